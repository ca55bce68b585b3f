//go:build !race

package hostile

import (
	"bytes"
	"testing"
	"time"

	"quarry/tests/harness"
)

// Not under the race detector, where making gigabytes of replies takes minutes.

// Clients that ask for more and more and read nothing are served no more when
// too much waits for them; others are.
func TestSlowReaders(t *testing.T) {
	const (
		clients = 20
		askedMB = 2000 // what their replies would come to
		mostMB  = 800  // about 256 may wait, in buffers that grow by doubling
		quiet   = 200 * time.Millisecond
	)
	survives(t, func(t *testing.T, s *harness.Server) {
		fillBoard(t, s, 2000, 40)
		before := heapNow()
		want := bytes.Repeat(harness.AppendCommand(nil, "ZRANGE", "big", "0", "-1"), askedMB/clients*10)
		var open []*harness.Conn
		for range clients {
			c, err := harness.DialConn(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			go func() { _, _ = c.Write(want) }() // until the server takes no more, or the end
		}
		other := s.Dial(t)
		last, since := "", time.Now()
		harness.Eventually(t, "no more of their commands run", func() bool {
			if now := harness.Field(other.Do("INFO", "commandstats").Str, "cmdstat_zrange"); now != last {
				last, since = now, time.Now()
			}
			return last != "" && time.Since(since) > quiet
		})
		if grown := (heapNow() - before) >> 20; grown > mostMB {
			t.Errorf("%d clients that do not read cost %d MB", clients, grown)
		}
		for _, c := range open {
			c.Close()
		}
		other.Close()
	})
}
