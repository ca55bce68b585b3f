package store

import "bytes"

// Slots is the number of slots that keys are spread over.
const Slots = 1 << slotBits

const slotBits = 14

// crcStep is how many bytes of a key are taken at a time: every command does
// this twice for every key, and byte by byte each lookup waits for the one before.
const crcStep = 8

// crcTable[k][b] is the CRC-16 (XMODEM: polynomial 0x1021, start 0) of the byte b
// and k zero bytes behind it.
var crcTable = func() (t [crcStep][256]uint16) {
	for b := range t[0] {
		crc := uint16(b) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x1021
		}
		t[0][b] = crc
	}
	for k := range crcStep - 1 {
		for b, crc := range t[k] {
			t[k+1][b] = crc<<8 ^ t[0][crc>>8]
		}
	}
	return t
}()

func crc16(key []byte) uint16 {
	crc, t := uint16(0), &crcTable
	for ; len(key) >= crcStep; key = key[crcStep:] {
		crc = t[7][key[0]^byte(crc>>8)] ^ t[6][key[1]^byte(crc)] ^
			t[5][key[2]] ^ t[4][key[3]] ^ t[3][key[4]] ^ t[2][key[5]] ^ t[1][key[6]] ^ t[0][key[7]]
	}
	for _, b := range key {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return crc
}

// Slot is the cluster slot of key: CRC-16 (XMODEM), mod 16384, of its hash tag
// or, if it has none, of all of it. The hash tag is what stands between the first
// { and the first } after it, if that is anything: keys with equal tags share a shard.
func Slot(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
			key = key[open+1 : open+1+n]
		}
	}
	return int(crc16(key) % Slots)
}
