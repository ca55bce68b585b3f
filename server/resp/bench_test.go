package resp

import (
	"bytes"
	"strconv"
	"testing"
)

// command encodes args as clients send them.
func command(args ...string) []byte {
	b := []byte("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b = append(b, "$"+strconv.Itoa(len(a))+"\r\n"+a+"\r\n"...)
	}
	return b
}

func BenchmarkFramer(b *testing.B) {
	zadd := command("ZADD", "board:season:12", "123456", "player:0000000042")
	for _, bench := range []struct {
		name  string
		piece []byte
		each  int // commands in the piece
	}{
		{"one", zadd, 1},
		{"pipelined16", bytes.Repeat(zadd, 16), 16},
		{"inline", []byte("PING\r\n"), 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			limits := DefaultLimits()
			var f Framer
			f.Reset(&limits)
			b.ReportAllocs()
			for i := 0; i < b.N; i += bench.each {
				f.Feed(bench.piece)
				for {
					_, ok, err := f.Next()
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
				}
				f.Release()
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	var w Writer
	member := []byte("player:0000000042")
	for _, bench := range []struct {
		name  string
		write func()
	}{
		{"bulk", func() { w.Bulk(member) }},
		{"int", func() { w.Int(123456) }},
		{"doubleInteger", func() { w.Double(123456) }},
		{"doubleFraction", func() { w.Double(1234.5678) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				bench.write()
				if w.Len() > 1<<14 {
					w.Reset()
				}
			}
		})
	}
}
