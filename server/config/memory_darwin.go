package config

import (
	"encoding/binary"
	"syscall"
)

// machineMemory is the kernel's hw.memsize, 0 if it cannot be read. Sysctl is
// made for strings and cuts a last zero byte off the eight of the number.
func machineMemory() int64 {
	raw, err := syscall.Sysctl("hw.memsize")
	if err != nil || len(raw) > 8 {
		return 0
	}
	var number [8]byte
	copy(number[:], raw)
	return int64(binary.LittleEndian.Uint64(number[:]))
}

// groupMemory is 0: there are no control groups.
func groupMemory() int64 { return 0 }
