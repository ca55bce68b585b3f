package rdb_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
)

var benchRows = flag.Int("rows", 1_000_000, "rows of benchmarks")

// populations are data to be saved and loaded, of so many rows each.
func populations() map[string]func(s *store.Store, n int) {
	keys := func(fn func(d *store.DB, key []byte, i int)) func(*store.Store, int) {
		return func(s *store.Store, n int) {
			run(s, 0, func(d *store.DB) {
				for i := range n {
					d.Begin(0, nowMS)
					fn(d, fmt.Appendf(nil, "key:%012d", i), i)
				}
			})
		}
	}
	return map[string]func(*store.Store, int){
		"zset": func(s *store.Store, n int) {
			run(s, 0, func(d *store.DB) {
				z, _ := d.ZSetForWrite([]byte("board"))
				for i := range n {
					z.Add(fmt.Appendf(nil, "player:%010d", i), float64(rand.IntN(1_000_000)), 0)
				}
			})
		},
		"strings": keys(func(d *store.DB, key []byte, i int) { d.SetString(key, fmt.Appendf(nil, "value:%d", i), false) }),
		"expiring": keys(func(d *store.DB, key []byte, i int) {
			d.SetString(key, fmt.Appendf(nil, "value:%d", i), false)
			d.SetExpireAt(key, 2*nowMS+int64(i))
		}),
		"hash": func(s *store.Store, n int) {
			run(s, 0, func(d *store.DB) {
				h, _ := d.HashForWrite([]byte("hash"))
				for i := range n {
					h.Put(fmt.Appendf(nil, "field:%010d", i), fmt.Appendf(nil, "value:%d", i))
				}
			})
		},
		"list": func(s *store.Store, n int) {
			run(s, 0, func(d *store.DB) {
				l, _ := d.ListForWrite([]byte("list"))
				for i := range n {
					l.Push(false, fmt.Appendf(nil, "element:%d", i))
				}
			})
		},
	}
}

// each runs a benchmark for each population.
func each(b *testing.B, fn func(b *testing.B, s *store.Store, file []byte)) {
	for _, name := range []string{"zset", "strings", "expiring", "hash", "list"} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(store.Options{Seed: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			populations()[name](s, *benchRows)
			file := save(b, s, rdb.SaveOptions{Checksum: true, Compress: true})
			b.SetBytes(int64(len(file)))
			b.ResetTimer()
			fn(b, s, file)
			b.ReportMetric(float64(*benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkSave(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store, _ []byte) {
		for b.Loop() {
			if err := rdb.Save(io.Discard, live{s}, rdb.SaveOptions{Checksum: true, Compress: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			each(b, func(b *testing.B, _ *store.Store, file []byte) {
				for b.Loop() {
					b.StopTimer()
					to, err := store.Open(store.Options{Seed: 1})
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					if _, err := rdb.Load(bytes.NewReader(file), to, rdb.LoadOptions{NowMS: nowMS, Workers: workers, Size: int64(len(file))}); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					if err := to.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		})
	}
}
