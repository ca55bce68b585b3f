package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
	"quarry/store/bloom"
	"quarry/store/field"
)

// smallFile is a file with a value of every type, Quarry's own too, and a checksum.
func smallFile(t testing.TB) []byte {
	s := newStore(t, store.Options{Shards: 2, Seed: 1})
	run(s, 0, func(d *store.DB) {
		d.SetString([]byte("s"), []byte("some text, some text, some text"), false)
		d.SetExpireAt([]byte("s"), 2*nowMS)
		l, _ := d.ListForWrite([]byte("l"))
		l.Push(false, []byte("element"))
		h, _ := d.HashForWrite([]byte("h"))
		h.Put([]byte("name"), []byte("-1000"))
		z, _ := d.ZSetForWrite([]byte("z"))
		z.Add([]byte("a"), 1, 0)
		z.Add([]byte("b"), 2, 0)
		b, _ := d.NewBloom([]byte("b"), bloom.Params{Capacity: 2, Rate: 0.2, Expansion: 2})
		for i := range 4 {
			if _, err := b.Add(fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		f, _ := d.FieldForWrite([]byte("f"))
		f.Put([]byte("m"), 1, 2, 0, &field.Change{
			ExpiresAt: 2 * nowMS, HasSeq: true, Seq: 3, Names: [][]byte{[]byte("n")}, Values: []float64{1},
			Tags: []field.Tag{{Name: []byte("k"), Text: []byte("v")}}, HasPayload: true, Payload: []byte("p"),
		})
	})
	run(s, 1, func(d *store.DB) {
		m, _ := d.SetForWrite([]byte("m"))
		m.Add([]byte("member"))
	})
	return save(t, s, rdb.SaveOptions{Compress: true, Checksum: true, Uses: rdb.Freq, Aux: []rdb.Aux{{Name: "redis-ver", Value: "0"}}})
}

// loadAny loads what may be damaged, and has the data checked.
func loadAny(t testing.TB, file []byte) error {
	s, err := store.Open(store.Options{Shards: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, failed := rdb.Load(bytes.NewReader(file), s, rdb.LoadOptions{NowMS: nowMS, Workers: 2, Size: int64(len(file))})
	var e *rdb.Error
	if failed != nil && !errors.As(failed, &e) {
		t.Errorf("the error is no *rdb.Error: %v", failed)
	}
	check(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return failed
}

// TestEveryByteFlipped: each bit of a file that is another one is noticed, wherever it is.
func TestEveryByteFlipped(t *testing.T) {
	file := smallFile(t)
	if err := loadAny(t, file); err != nil {
		t.Fatal(err)
	}
	masks := []byte{0x01, 0x80, 0xff}
	if testing.Short() {
		masks = masks[2:]
	}
	for i := range file {
		for _, mask := range masks {
			bad := bytes.Clone(file)
			bad[i] ^= mask
			if err := loadAny(t, bad); err == nil {
				t.Errorf("byte %d of %d, %#x: nothing is noticed", i, len(file), mask)
			}
		}
	}
}

// TestEveryByteFlippedWithoutChecksum: without one not all can be noticed, but what is loaded is sound.
func TestEveryByteFlippedWithoutChecksum(t *testing.T) {
	for _, file := range [][]byte{smallFile(t), withoutLong(t, 12)} {
		copy(file[len(file)-8:], make([]byte, 8))
		for i := range file[:len(file)-8] {
			for _, mask := range []byte{0x01, 0x40, 0xff} {
				if testing.Short() && (i*3+int(mask))%7 > 0 {
					continue
				}
				bad := bytes.Clone(file)
				bad[i] ^= mask
				_ = loadAny(t, bad)
			}
		}
	}
}

// withoutLong is the file of a version without its long values.
func withoutLong(t testing.TB, version int) []byte {
	file, _ := craftFile(version)
	for _, v := range craftedValues() {
		if strings.HasSuffix(v.key, "long") {
			part := join([]byte{v.code}, str(v.key), v.bytes)
			if at := bytes.Index(file, part); at >= 0 {
				file = slices.Concat(file[:at], file[at+len(part):])
			}
		}
	}
	return file
}

// TestEveryTruncation: a file that ends early is never taken for a whole one.
func TestEveryTruncation(t *testing.T) {
	for _, file := range [][]byte{smallFile(t), withoutLong(t, 1), withoutLong(t, 12)} {
		for n := range file {
			if testing.Short() && n%5 > 0 {
				continue
			}
			if err := loadAny(t, file[:n]); err == nil {
				t.Errorf("%d of %d bytes: nothing is noticed", n, len(file))
			}
		}
	}
}

// TestRefused: what is wrong with a file is said, with its place and the key.
func TestRefused(t *testing.T) {
	value := func(code byte, bytes ...byte) []byte {
		return join([]byte("REDIS0009"), []byte{254, 0, code}, str("the key"), bytes, []byte{255}, make([]byte, 8))
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "byte 0: it ends in the middle"},
		{"no magic", []byte("REDIX0009\xff"), "byte 9: this is no RDB file"},
		{"a version that is none", []byte("REDIS00x9\xff"), `version "00x9"`},
		{"version 0", []byte("REDIS0000\xff"), `version "0000"`},
		{"a version to come", []byte("REDIS0017\xff"), `version "0017"`},
		{"a version of Valkey's to come", []byte("VALKEY082\xff"), `version "082"`},
		{"Valkey's version under Redis' name", []byte("REDIS0080\xff"), `version "0080"`},
		{"a database too many", join([]byte("REDIS0009"), []byte{254, 16, 255}, make([]byte, 8)), "database 16, and there are only 16"},
		{"something behind the end", join([]byte("REDIS0009"), []byte{255}, make([]byte, 8), []byte{0}), "something follows the end"},
		{"a stream", value(15), `byte 11, key "the key": it is a stream`},
		{"a new stream", value(21), "it is a stream"},
		{"a module's value", value(7), "it is of a module's type"},
		{"a hash that expires", value(24), "it is a hash whose fields expire"},
		{"a type that nobody knows", value(99), "its type is unknown (type 99)"},
		{"functions of a candidate", join([]byte("REDIS0009"), []byte{246}), "release candidate"},
		{"a module's aux of an unknown kind", join([]byte("REDIS0009"), []byte{247, 1, 9}), "kind 9"},
		{"a member twice", value(2, 2, 1, 'a', 1, 'a'), `key "the key": an element is there twice`},
		{"a field twice", value(4, 2, 1, 'a', 1, 'a', 1, 'a', 1, 'b'), "an element is there twice"},
		{"a row twice", value(3, 2, 1, 'a', 1, '1', 1, 'a', 1, '1'), "an element is there twice"},
		{"no score", value(5, join([]byte{1, 1, 'a'}, float(math.NaN()))...), "a score is not a number"},
		{"no score in digits", value(3, 1, 1, 'a', 253), "a score is not a number"},
		{"a score that is no number", value(3, 1, 1, 'a', 2, '1', 'x'), "a score is no number"},
		{"Go's numbers", value(3, 1, 1, 'a', 3, '1', '_', '0'), "a score is no number"},
		{"a length that is none", value(2, 0xc0, 1), "a length is none"},
		{"a length of a form that nobody knows", value(0, 0x82), "a length is none"},
		{"a string of a form that nobody knows", value(0, 0xc4), "a length is none"},
		{"more than there is", value(0, 0x80, 0xff, 0xff, 0xff, 0xff), "it ends in the middle"},
		{"more than there can be", value(2, 1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "longer than 4 GiB"},
		{"compressed to nothing", value(0, 0xc3, 1, 0x80, 0xff, 0xff, 0xff, 0xff, 0), "compressed string is damaged"},
		{"compressed: before the beginning", value(0, 0xc3, 3, 3, 0x20, 0, 0), "compressed string is damaged"},
		{"compressed: too short", value(0, 0xc3, 3, 3, 1, 'a', 'b'), "compressed string is damaged"},
		{"compressed: too long", value(0, 0xc3, 3, 1, 1, 'a', 'b'), "compressed string is damaged"},
		{"an intset out of order", value(11, str(string(intset(2, 2, 1)))...), "intset is damaged"},
		{"an intset of a size that is none", value(11, str(string(intset(3, 1, 2)))...), "intset is damaged"},
		{"half a pair in a ziplist", value(13, str(string(ziplist("a")))...), "a name has no value"},
		{"half a pair in a listpack", value(17, str(string(listpack("a", "1", "b")))...), "a name has no value"},
		{"half a pair in a zipmap", value(9, str("\x01\x01a\xff")...), "zipmap is damaged"},
		{"a node of an unknown form", value(18, 1, 3), "a node of a list has form 3"},
		{"a filter of another version", value(208, 1, 1, 2), "Quarry's own is damaged"},
		{"a field of another version", value(209, 1, 4, 2, 0, 0, 2), "Quarry's own is damaged"},
		{"a key twice", join([]byte("REDIS0009"), []byte{254, 0, 0}, str("k"), str("a"), []byte{0}, str("k"), str("b"), []byte{255}, make([]byte, 8)), `key "k": the key exists`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := loadAny(t, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestEmptyKeysAreLeftOut, which versions of Redis with an error have written, as by Redis.
func TestEmptyKeysAreLeftOut(t *testing.T) {
	file := join([]byte("REDIS0009"), []byte{254, 0, 2}, str("none"), []byte{0, 0}, str("k"), str("v"), []byte{17}, str("none2"), str(string(listpack())), []byte{255}, make([]byte, 8))
	s, stats, err := load(t, file, rdb.LoadOptions{})
	if err != nil || stats.Empty != 2 || stats.Keys != 1 || len(contents(s)) != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// TestDamagedPacked: of what is packed, every byte is looked at: another one is noticed, or says something else that is sound.
func TestDamagedPacked(t *testing.T) {
	for _, v := range craftedValues() {
		if v.code < 9 || len(v.bytes) > 2000 {
			continue
		}
		for i := range v.bytes {
			for _, mask := range []byte{0x01, 0x80, 0x3f} {
				payload := join([]byte{v.code}, v.bytes, u16(9))
				payload[1+i] ^= mask
				_ = restoreAny(t, append(payload, u64(int(rdb.Checksum(payload)))...))
			}
		}
	}
}

// restoreAny restores what may be anything, beside a key that is there; it has the data checked.
func restoreAny(t testing.TB, payload []byte) error {
	s, err := store.Open(store.Options{Shards: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	run(s, 0, func(d *store.DB) {
		d.SetString([]byte("k"), []byte("old"), false)
		failed = rdb.Restore(d, []byte("k"), payload, rdb.RestoreOptions{Using: store.UsedNow(), Replace: true})
		if failed == nil {
			return
		}
		if e, ok := d.Entry([]byte("k")); !ok || describe(e) != `until 0, embstr: "old"` {
			t.Errorf("after %v the key is %s", failed, describe(e))
		}
		if failed != rdb.ErrFormat && failed != rdb.ErrChecksum {
			t.Errorf("the error is %v", failed)
		}
	})
	check(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return failed
}

// TestMemoryIsBounded: lengths that are lies take no memory.
func TestMemoryIsBounded(t *testing.T) {
	huge := []byte{0x80, 0x7f, 0xff, 0xff, 0xff}
	for _, code := range []byte{0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20, 208, 209} {
		for _, payload := range [][]byte{join([]byte{code}, huge), join([]byte{code, 1}, huge), join([]byte{code, 1, 2}, huge), join([]byte{code, 0xc3}, huge, huge)} {
			payload = append(payload, u16(9)...)
			payload = append(payload, u64(int(rdb.Checksum(payload)))...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := restoreAny(t, payload); err != rdb.ErrFormat {
				t.Errorf("type %d: %v", code, err)
			}
			file := join([]byte("REDIS0009"), []byte{code}, str("k"), payload[1:])
			if err := loadAny(t, file); err == nil {
				t.Errorf("type %d: it is loaded", code)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20+storeBytes {
				t.Errorf("type %d: %d bytes are taken", code, n)
			}
		}
	}
}

// TestNoRoomToDecompress: a payload that says much more than it has is refused before it takes memory.
func TestNoRoomToDecompress(t *testing.T) {
	s := newStore(t, store.Options{Shards: 1, Seed: 1, MaxMemory: 64 << 20})
	run(s, 0, func(d *store.DB) {
		const n = 200 << 20
		packed := []byte{0, 'x'}
		for left := n - 1; left > 0; {
			k := min(left, 264)
			packed = append(packed, 7<<5, byte(k-9), 0)
			left -= k
		}
		payload := join([]byte{0, 0xc3}, length(uint64(len(packed))), length(n), packed, u16(9))
		payload = append(payload, u64(int(rdb.Checksum(payload)))...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := rdb.Restore(d, []byte("k"), payload, rdb.RestoreOptions{Using: store.UsedNow()}); err != store.ErrOOM {
			t.Errorf("the error is %v", err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
			t.Errorf("%d bytes are taken", took)
		}
	})
}

// TestNegativeZero is 0, as ZADD has it.
func TestNegativeZero(t *testing.T) {
	for _, n := range []int{1, 300} {
		payload := join([]byte{5}, length(uint64(n)))
		for i := range n {
			payload = join(payload, str(fmt.Sprintf("m%03d", n-i)), float(math.Copysign(0, -1)))
		}
		payload = append(payload, u16(9)...)
		if err := restoreAny(t, append(payload, u64(int(rdb.Checksum(payload)))...)); err != nil {
			t.Error(err)
		}
	}
}
