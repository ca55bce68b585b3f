package rdb_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
)

// FuzzLoad loads anything, with a checksum that is right or left out: what is loaded is sound, and what is saved of it is it.
func FuzzLoad(f *testing.F) {
	for _, version := range []int{1, 9, 12, 80} {
		f.Add(withoutLong(f, version))
	}
	f.Add(smallFile(f))
	for _, bad := range []string{"REDIS0009\xff", "REDIS0009\xfe\x00\x02\x01k\x02\x01a\x01a\xff", "REDIS0010\x12\x01l\x01\x02\x07\x07\x00\x00\x00\x00\x00\xff\xff"} {
		f.Add([]byte(bad))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if at := len(file) - 8; at >= 0 {
			file = append(bytes.Clone(file[:at]), make([]byte, 8)...)
		}
		s := newStore(t, store.Options{Shards: 2, Seed: 1})
		if _, err := rdb.Load(bytes.NewReader(file), s, rdb.LoadOptions{Workers: 2, Size: int64(len(file))}); err != nil {
			var e *rdb.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(file)) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		again, _, err := load(t, save(t, s, rdb.SaveOptions{Compress: true, Checksum: true}), rdb.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		checkEqual(t, withoutEncoding(contents(again)), withoutEncoding(contents(s)))
	})
}

// FuzzRestore restores anything whose checksum is right: what is refused changes nothing, and what is not can be dumped
// and is the same when that is restored.
func FuzzRestore(f *testing.F) {
	for _, v := range craftedValues() {
		if !strings.HasSuffix(v.key, "long") {
			f.Add(join([]byte{v.code}, v.bytes))
		}
	}
	s := newStore(f, store.Options{Shards: 1, Seed: 1})
	fill(s, false)
	for db := range s.Databases() {
		_ = s.Walk(db, nowMS, func(e *store.Entry) error {
			if payload, err := rdb.Dump(e, true, 1<<20); err == nil && len(payload) < 5000 {
				f.Add(payload[:len(payload)-10])
			}
			return nil
		})
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		payload := join(value, u16(9))
		payload = append(payload, u64(int(rdb.Checksum(payload)))...)
		if restoreAny(t, payload) != nil {
			return
		}
		s := newStore(t, store.Options{Shards: 1, Seed: 1})
		run(s, 0, func(d *store.DB) {
			o := rdb.RestoreOptions{Using: store.UsedNow()}
			if err := rdb.Restore(d, []byte("a"), payload, o); err != nil {
				t.Fatal(err)
			}
			a, _ := d.Entry([]byte("a"))
			text := describe(a)
			dumped, err := rdb.Dump(a, len(value)%2 == 0, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			if err := rdb.Restore(d, []byte("b"), dumped, o); err != nil {
				t.Fatalf("what is dumped is refused: %v", err)
			}
			if b, _ := d.Entry([]byte("b")); withoutEncoding(map[string]string{"": describe(b)})[""] != withoutEncoding(map[string]string{"": text})[""] {
				t.Errorf("it is\n%s\nand was\n%s", describe(b), text)
			}
		})
	})
}

// FuzzCompress: what is compressed is decompressed.
func FuzzCompress(f *testing.F) {
	f.Add([]byte("abcabcabcabcabcabcabcabcabcabc"))
	f.Add(bytes.Repeat([]byte("a"), 1000))
	f.Add(long(3000, 1))
	f.Add(bytes.Repeat(long(300, 1), 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStore(t, store.Options{Shards: 1, Seed: 1})
		run(s, 0, func(d *store.DB) {
			d.SetString([]byte("a"), b, false)
			e, _ := d.Entry([]byte("a"))
			payload, err := rdb.Dump(e, true, 1<<30)
			if err != nil || len(payload) > len(b)+20 {
				t.Fatalf("%d bytes are %d, %v", len(b), len(payload), err)
			}
			if err := rdb.Restore(d, []byte("b"), payload, rdb.RestoreOptions{Using: store.UsedNow()}); err != nil {
				t.Fatal(err)
			}
			if got, _ := d.String([]byte("b")); !bytes.Equal(got.Bytes(), b) {
				t.Errorf("%q is %q", b, got.Bytes())
			}
		})
	})
}
