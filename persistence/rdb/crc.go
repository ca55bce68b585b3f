package rdb

import "encoding/binary"

// The checksum of files and payloads is a CRC of 64 bits, of Jones' polynomial, reflected, which begins with 0 and ends as it is: of
// "123456789" it is 0xe9c6d914c4b8d9ca (Cook, Catalogue of parametrised CRC algorithms: CRC-64/REDIS).
const polynomial = 0x95ac9329ac4bc9b5 // bits reversed

// crcTables are for eight bytes at a time: table i is what a byte does with i bytes behind it.
var crcTables = makeCRCTables()

func makeCRCTables() *[8][256]uint64 {
	var t [8][256]uint64
	for b := range 256 {
		c := uint64(b)
		for range 8 {
			c = c>>1 ^ polynomial&-(c&1)
		}
		t[0][b] = c
	}
	for i := 1; i < 8; i++ {
		for b := range 256 {
			c := t[i-1][b]
			t[i][b] = c>>8 ^ t[0][byte(c)]
		}
	}
	return &t
}

// checksum is the sum of what came before, whose sum is given, and of b.
func checksum(sum uint64, b []byte) uint64 {
	t := crcTables
	for ; len(b) >= 8; b = b[8:] {
		x := sum ^ binary.LittleEndian.Uint64(b)
		sum = t[7][byte(x)] ^ t[6][byte(x>>8)] ^ t[5][byte(x>>16)] ^ t[4][byte(x>>24)] ^
			t[3][byte(x>>32)] ^ t[2][byte(x>>40)] ^ t[1][byte(x>>48)] ^ t[0][byte(x>>56)]
	}
	for _, c := range b {
		sum = sum>>8 ^ t[0][byte(sum)^c]
	}
	return sum
}
