package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"quarry/commands"
)

// BenchmarkReplay runs logs of ZADDs, read from memory by as simple a reader as there can be: a million members of one
// board, or of many. Beside it redis-server loads the same file: see tests/bench.
func BenchmarkReplay(b *testing.B) {
	for _, boards := range []int{1, 1000, 100_000} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("boards=%d/workers=%d", boards, workers), func(b *testing.B) {
				s := testServer(b, nil)
				r := newReplayer(s, workers)
				log := boardsLog(boards, b.N)
				b.SetBytes(int64(len(log) / b.N))
				b.ResetTimer()
				var args [][]byte
				for len(log) > 0 {
					args, log = nextCommand(args[:0], log)
					if err := r.Apply(args); err != nil {
						b.Fatal(err)
					}
				}
				if err := r.Finish(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// boardsLog is n ZADDs on a million members of some boards, at random.
func boardsLog(boards, n int) (log []byte) {
	const members = 1_000_000
	rnd := rand.New(rand.NewPCG(1, 1))
	for range n {
		m := rnd.IntN(members)
		log = commands.AppendCommand(log, []byte("ZADD"), fmt.Appendf(nil, "board:%d", m%boards),
			strconv.AppendInt(nil, int64(rnd.IntN(1_000_000_000)), 10), fmt.Appendf(nil, "player:%012d", m))
	}
	return log
}

// nextCommand cuts the first command off a log that is in order.
func nextCommand(args [][]byte, log []byte) (_ [][]byte, rest []byte) {
	number := func() (n int) {
		end := bytes.IndexByte(log, '\n')
		for _, c := range log[1 : end-1] {
			n = n*10 + int(c-'0')
		}
		log = log[end+1:]
		return n
	}
	for range number() {
		n := number()
		args, log = append(args, log[:n]), log[n+2:]
	}
	return args, log
}
