package rdb_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"quarry/persistence/rdb"
)

// What older and newer versions of Redis have written, made by hand: written down from the format's description, apart from the code
// that is tested.

// str is a string as it is in a file.
func str(s string) []byte { return append(length(uint64(len(s))), s...) }

func length(n uint64) []byte {
	switch {
	case n < 64:
		return []byte{byte(n)}
	case n < 16384:
		return []byte{0x40 | byte(n>>8), byte(n)}
	}
	return binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n))
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func u16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
func u32(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
func u64(n int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

func float(f float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)) }

// ziplist packs strings; those that are integers in the shortest form there is.
func ziplist(entries ...string) []byte {
	var body []byte
	before, last := 0, 10
	for _, e := range entries {
		start := len(body)
		last = 10 + start
		if before < 254 {
			body = append(body, byte(before))
		} else {
			body = append(append(body, 254), u32(before)...)
		}
		n, err := strconv.ParseInt(e, 10, 64)
		switch {
		case err == nil && n >= 0 && n <= 12:
			body = append(body, 0xf1+byte(n))
		case err == nil && n == int64(int8(n)):
			body = append(body, 0xfe, byte(n))
		case err == nil && n == int64(int16(n)):
			body = append(append(body, 0xc0), u16(int(n))...)
		case err == nil && n<<40>>40 == n:
			body = append(append(body, 0xf0), u32(int(n))[:3]...)
		case err == nil && n == int64(int32(n)):
			body = append(append(body, 0xd0), u32(int(n))...)
		case err == nil:
			body = append(append(body, 0xe0), u64(int(n))...)
		case len(e) < 64:
			body = append(append(body, byte(len(e))), e...)
		case len(e) < 16384:
			body = append(append(body, 0x40|byte(len(e)>>8), byte(len(e))), e...)
		default:
			body = append(binary.BigEndian.AppendUint32(append(body, 0x80), uint32(len(e))), e...)
		}
		before = len(body) - start
	}
	return join(u32(10+len(body)+1), u32(last), u16(len(entries)), body, []byte{255})
}

// listpack packs strings likewise.
func listpack(entries ...string) []byte {
	var body []byte
	for _, e := range entries {
		var b []byte
		n, err := strconv.ParseInt(e, 10, 64)
		switch {
		case err == nil && n >= 0 && n < 128:
			b = []byte{byte(n)}
		case err == nil && n >= -4096 && n < 4096:
			b = []byte{0xc0 | byte(n>>8)&31, byte(n)}
		case err == nil && n == int64(int16(n)):
			b = append([]byte{0xf1}, u16(int(n))...)
		case err == nil && n<<40>>40 == n:
			b = append([]byte{0xf2}, u32(int(n))[:3]...)
		case err == nil && n == int64(int32(n)):
			b = append([]byte{0xf3}, u32(int(n))...)
		case err == nil:
			b = append([]byte{0xf4}, u64(int(n))...)
		case len(e) < 64:
			b = append([]byte{0x80 | byte(len(e))}, e...)
		case len(e) < 4096:
			b = append([]byte{0xe0 | byte(len(e)>>8), byte(len(e))}, e...)
		default:
			b = append(append([]byte{0xf0}, u32(len(e))...), e...)
		}
		body = append(append(body, b...), backLength(len(b))...)
	}
	return join(u32(6+len(body)+1), u16(len(entries)), body, []byte{255})
}

func backLength(n int) []byte {
	switch {
	case n <= 127:
		return []byte{byte(n)}
	case n < 16383:
		return []byte{byte(n >> 7), byte(n&127) | 128}
	case n < 2097151:
		return []byte{byte(n >> 14), byte(n>>7&127) | 128, byte(n&127) | 128}
	}
	return []byte{byte(n >> 21), byte(n>>14&127) | 128, byte(n>>7&127) | 128, byte(n&127) | 128}
}

func intset(size int, ints ...int) []byte {
	b := join(u32(size), u32(len(ints)))
	for _, n := range ints {
		b = append(b, u64(n)[:size]...)
	}
	return b
}

func zipmap(pairs ...string) []byte {
	b := []byte{byte(len(pairs) / 2)}
	size := func(n int) []byte {
		if n < 254 {
			return []byte{byte(n)}
		}
		return append([]byte{254}, u32(n)...)
	}
	for i := 0; i < len(pairs); i += 2 {
		unused := i % 5
		b = join(b, size(len(pairs[i])), []byte(pairs[i]), size(len(pairs[i+1])), []byte{byte(unused)}, []byte(pairs[i+1]), make([]byte, unused))
	}
	return append(b, 255)
}

// crafted are values that versions from one on can have: with their type, the bytes behind the key, and what they are.
type crafted struct {
	since int
	code  byte
	key   string
	bytes []byte
	want  string
}

var (
	some   = []string{"a", "0", "12", "13", "-1", "-128", "127", "-129", "32767", "-32768", "8388607", "-8388608", "8388608", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "", "b\x00\xff", "12x", strings.Repeat("long", 30)}
	longer = append([]string{strings.Repeat("x", 300), strings.Repeat("y", 5000), strings.Repeat("z", 20_000)}, some...)
)

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return strings.Join(quoted, " ")
}

func craftedValues() []crafted {
	strs := func(list ...string) (b []byte) {
		b = length(uint64(len(list)))
		for _, s := range list {
			b = append(b, str(s)...)
		}
		return b
	}
	listed := "until 0, : " + quoteAll(some)
	return []crafted{
		{1, 0, "string", str("text"), `until 0, : "text"`},
		{1, 0, "int8", []byte{0xc0, 0x85}, `until 0, : "-123"`},
		{1, 0, "int16", []byte{0xc1, 0x39, 0x30}, `until 0, : "12345"`},
		{1, 0, "int32", []byte{0xc2, 0x15, 0xcd, 0x5b, 0x07}, `until 0, : "123456789"`},
		{1, 0, "lzf", []byte{0xc3, 9, 0x40, 100, 1, 'a', 'a', 0xe0, 87, 0, 1, 'a', 'a'}, `until 0, : "` + strings.Repeat("a", 100) + `"`},
		{1, 0, "length of 32 bits", append([]byte{0x80, 0, 0, 0, 2}, "xy"...), `until 0, : "xy"`},
		{1, 1, "list", strs(some...), listed},
		{1, 2, "set", strs("b", "a", "1"), `until 0, : "1"="" "a"="" "b"=""`},
		{1, 3, "zset", join([]byte{6}, str("a"), []byte{1, '1'}, str("b"), []byte{4, '-', '2', '.', '5'}, str("high"), []byte{254}, str("low"), []byte{255},
			str("exp"), []byte{7, '1', '.', '5', 'e', '-', '0', '7'}, str("17"), []byte{18, '0', '.', '1', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '1'}),
			`until 0, : "low"=-Inf "b"=-2.5 "exp"=1.5e-07 "17"=0.1000000000000001 "a"=1 "high"=+Inf`},
		{1, 4, "hash", join([]byte{2}, str("f"), str("1"), str("g"), str("")), `until 0, : "f"="1" "g"=""`},
		{2, 9, "zipmap", str(string(zipmap("f", "1", "g", "", "long", strings.Repeat("v", 300)))), `until 0, : "f"="1" "g"="" "long"="` + strings.Repeat("v", 300) + `"`},
		{2, 10, "list ziplist", str(string(ziplist(some...))), listed},
		{2, 10, "list ziplist, long", str(string(ziplist(longer...))), "until 0, : " + quoteAll(longer)},
		{2, 11, "intset 16", str(string(intset(2, -5, 0, 7))), `until 0, : "-5"="" "0"="" "7"=""`},
		{2, 11, "intset 32", str(string(intset(4, -100_000, 7))), `until 0, : "-100000"="" "7"=""`},
		{2, 11, "intset 64", str(string(intset(8, math.MinInt64, math.MaxInt64))), `until 0, : "-9223372036854775808"="" "9223372036854775807"=""`},
		{2, 12, "zset ziplist", str(string(ziplist("b", "-2.5", "tiny", "1.5e-07", "a", "1", "high", "inf"))), `until 0, : "b"=-2.5 "tiny"=1.5e-07 "a"=1 "high"=+Inf`},
		{4, 13, "hash ziplist", str(string(ziplist("f", "1", "g", ""))), `until 0, : "f"="1" "g"=""`},
		{7, 14, "quicklist", join([]byte{2}, str(string(ziplist(some[:9]...))), str(string(ziplist(some[9:]...)))), listed},
		{8, 5, "zset 2", join([]byte{3}, str("b"), float(2.5), str("a"), float(-1), str("low"), float(math.Inf(-1))), `until 0, : "low"=-Inf "a"=-1 "b"=2.5`},
		{8, 0, "length of 64 bits", append([]byte{0x81, 0, 0, 0, 0, 0, 0, 0, 2}, "xy"...), `until 0, : "xy"`},
		{10, 16, "hash listpack", str(string(listpack("f", "1", "g", "", "h", strings.Repeat("v", 300)))), `until 0, : "f"="1" "g"="" "h"="` + strings.Repeat("v", 300) + `"`},
		{10, 17, "zset listpack", str(string(listpack("b", "-2.5", "a", "1", "high", "inf"))), `until 0, : "b"=-2.5 "a"=1 "high"=+Inf`},
		{10, 18, "quicklist 2", join([]byte{3, 2}, str(string(listpack(some[:9]...))), []byte{1}, str(some[9]), []byte{2}, str(string(listpack(some[10:]...)))), listed},
		{10, 18, "quicklist 2, long", join([]byte{1, 2}, str(string(listpack(longer...)))), "until 0, : " + quoteAll(longer)},
		{11, 20, "set listpack", str(string(listpack("1", "b", "a"))), `until 0, : "1"="" "a"="" "b"=""`},
	}
}

// craftFile is a file of a version that has all that there was then, and what is in it. 80 and more are Valkey's.
func craftFile(version int) (file []byte, want map[string]string) {
	file, want = fmt.Appendf(nil, "REDIS%04d", version), map[string]string{}
	if version >= 80 {
		file = fmt.Appendf(nil, "VALKEY%03d", version)
	}
	if version >= 7 {
		file = join(file, []byte{250}, str("redis-ver"), str("0.0.0"), []byte{250}, str("redis-bits"), []byte{0xc0, 64})
	}
	if version >= 9 { // a module's name, when, and a value of each kind
		file = join(file, []byte{247}, []byte{0x81, 1, 2, 3, 4, 5, 6, 7, 8}, []byte{2, 1, 1, 5, 2, 7, 3}, u32(0), []byte{4}, u64(0), []byte{5}, str("text"), []byte{0})
	}
	if version >= 10 {
		file = join(file, []byte{245}, str("#!lua name=lib\nredis.register_function('f', function() return 1 end)"))
	}
	file = append(file, 254, 0)
	if version >= 7 {
		file = append(file, 251, 30, 3)
	}
	if version >= 12 {
		file = append(file, 244, 5, 1, 0)
	}
	for i, v := range craftedValues() {
		if v.since > version {
			continue
		}
		key := "0:" + v.key
		switch {
		case i == 3:
			file = join(file, []byte{253}, u32(2_000_000_000))
			v.want = strings.Replace(v.want, "until 0", "until 2000000000000", 1)
		case i == 4 && version >= 3:
			file = join(file, []byte{252}, u64(2_000_000_000_123))
			v.want = strings.Replace(v.want, "until 0", "until 2000000000123", 1)
		}
		if version >= 9 && i == 5 {
			file = append(file, 248, 60)
		}
		if version >= 9 && i == 6 {
			file = append(file, 249, 200)
		}
		file = join(file, []byte{v.code}, str(v.key), v.bytes)
		want[key] = v.want
	}
	file = join(file, []byte{254, 3, 0}, str("elsewhere"), str("1"), []byte{255})
	want["3:elsewhere"] = `until 0, : "1"`
	if version >= 5 {
		file = append(file, u64(int(rdb.Checksum(file)))...)
	}
	return file, want
}
