package server

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// residentMemory is the process' resident set, the second number of
// /proc/self/statm, in pages.
func residentMemory() (bytes int64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// systemName is the system as INFO shows it: name, release, processor.
func systemName() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.Join(strings.Fields("Linux "+string(release)+" "+machineName()), " ")
}

// machineName is the processor as uname calls it.
func machineName() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return runtime.GOARCH
}
