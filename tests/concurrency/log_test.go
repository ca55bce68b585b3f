package concurrency

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quarry/commands"
	"quarry/tests/calls"
	"quarry/tests/contents"
	"quarry/tests/harness"
)

// checkLog starts a server on a copy of the directory of one that nobody changes any more: it has the same data.
func checkLog(t *testing.T, s *harness.Server, dir string) {
	t.Helper()
	if t.Failed() {
		return
	}
	const databases = 16
	want := contents.Ask(s.Dial(t), databases)
	copied := t.TempDir()
	if err := os.CopyFS(filepath.Join(copied, "appendonlydir"), os.DirFS(filepath.Join(dir, "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	again := harness.Start(t, harness.Options{Shards: 4, Args: []string{"--dir", copied}})
	c := again.Dial(t)
	harness.Eventually(t, "the log is loaded", func() bool { return !c.Do("DBSIZE").IsError() })
	got := contents.Ask(c, databases)
	soon := time.Now().Add(time.Second).UnixMilli()
	for _, c := range []contents.Contents{got, want} { // what is over when one is asked may not have been for the other
		for key := range c {
			if at := c.ExpireAt(key); at != 0 && at < soon {
				delete(got, key)
				delete(want, key)
			}
		}
	}
	if d := contents.Differences(got, want); d != "" {
		t.Errorf("what came of the log\n%s", d)
	}
}

// TestLogHasTheOrder: many clients change few keys of all types, in transactions, over several databases, while others
// wait for elements and keys expire.
func TestLogHasTheOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, s *harness.Server) {
		table := commands.NewCommandTable()
		selects := map[string]bool{"select": true, "multi": true, "exec": true, "watch": true}
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				c := dial(t, s)
				g := calls.New(rand.New(rand.NewPCG(uint64(i), 7)), table, func(s *commands.Spec) int {
					switch {
					case s.Has(commands.Blocking), strings.HasPrefix(s.Name, "FLUSH"):
						return 0
					case s.Has(commands.Write), selects[s.FullName()]:
						return calls.Weight(s)
					}
					return 0
				})
				for range rounds(6000) {
					c.do(dueSoon(g, g.Draw())...)
				}
			})
		}
		for i, line := range []string{"BLPOP l m 0.01", "BZPOPMIN z y 0.01", "BLMOVE l m LEFT RIGHT 0.01"} {
			group.Go(func() {
				c := dial(t, s)
				for n := range rounds(600) {
					c.do(strings.Fields(line)...)
					if n%3 == 0 {
						c.do("RPUSH", "l", fmt.Sprint(i), fmt.Sprint(n))
						c.do("ZADD", "z", fmt.Sprint(n), fmt.Sprint(i))
					}
				}
			})
		}
		group.Wait()
	})
}

// dueSoon has keys expire while the test runs, and not just after.
func dueSoon(g *calls.Generator, args []string) []string {
	for i := 1; i < len(args); i++ {
		if word := strings.ToUpper(args[i-1]); word == "PX" || i == 2 && strings.EqualFold(args[0], "PEXPIRE") {
			args[i] = fmt.Sprint(g.IntN(30))
		}
	}
	return args
}
