package rdb_test

import (
	"bytes"
	"testing"
	"testing/iotest"

	"quarry/persistence/rdb"
	"quarry/store"
)

// TestRoundTrip: what is saved is loaded as it was, whatever the options and the shards.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name string
		o    rdb.SaveOptions
		load rdb.LoadOptions
		to   store.Options
	}{
		{"plain", rdb.SaveOptions{}, rdb.LoadOptions{}, store.Options{Shards: 1, Seed: 2}},
		{"all", rdb.SaveOptions{Compress: true, Checksum: true, Uses: rdb.Idle}, rdb.LoadOptions{NowMS: nowMS, Workers: 3}, store.Options{Shards: 8, Seed: 1}},
		{"base", rdb.SaveOptions{Checksum: true, AOFBase: true, Uses: rdb.Freq}, rdb.LoadOptions{Workers: 99}, store.Options{Shards: 4, Seed: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := newStore(t, store.Options{Shards: 4, Seed: 1})
			fill(from, false)
			file := save(t, from, c.o)
			for _, r := range []interface {
				Read([]byte) (int, error)
			}{bytes.NewReader(file), iotest.HalfReader(bytes.NewReader(file)), iotest.DataErrReader(bytes.NewReader(file))} {
				to := newStore(t, c.to)
				c.load.Size = int64(len(file))
				stats, err := rdb.Load(r, to, c.load)
				if err != nil || stats.Keys != int64(len(values())) || stats.AOFBase != c.o.AOFBase || stats.Version != 9 {
					t.Fatalf("%+v, %v", stats, err)
				}
				checkEqual(t, contents(to), contents(from))
			}
		})
	}
}
