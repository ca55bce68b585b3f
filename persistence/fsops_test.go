package persistence

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"quarry/persistence/vfs"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/fsops anew")

// Every operation that changes a file, in order: a sync that is missing is a
// line that is missing.
func TestFileOperations(t *testing.T) {
	var text strings.Builder
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data"))
	for _, policy := range []Policy{EverySec, Always} {
		step := func(what string) { fmt.Fprintf(&text, "# %s, %s\n", [...]string{"everysec", "always"}[policy], what) }
		s := newStory(mem, policy, func(op vfs.Op) error {
			if !op.Reads() {
				fmt.Fprintln(&text, op)
			}
			return nil
		})
		step("start")
		must(t, s.start())
		step("one command")
		s.append()
		s.commit()
		step("three commands")
		s.append()
		s.append()
		s.append()
		s.commit()
		if policy == EverySec {
			step("the sync of the second")
			s.log.syncOnce()
			step("nothing happens any more")
			s.log.stateSynced()
		}
		step("a rewrite begins")
		r, err := s.log.BeginRewrite()
		must(t, err)
		step("a command before the cut, and one behind it")
		s.append()
		r.Cut()
		s.append()
		s.commit()
		step("the base")
		fmt.Fprint(r.Base(), "REDIS 6")
		must(t, r.Finish())
		step("a rewrite is given up behind its cut")
		r, err = s.log.BeginRewrite()
		must(t, err)
		r.Cut()
		r.Abort(errCrash)
		step("a command, and the end")
		s.append()
		must(t, s.log.Close())
	}
	step := func(what string) { fmt.Fprintln(&text, "#", what) }
	step("a snapshot")
	hooked := &vfs.Hooked{FS: mem, Hook: func(op vfs.Op) error {
		if !op.Reads() {
			fmt.Fprintln(&text, op)
		}
		return nil
	}}
	must(t, WriteSnapshot(hooked, "/data/dump.rdb", func(w io.Writer) error {
		_, err := io.WriteString(w, "REDIS")
		return err
	}))
	step("recovery of a torn tail")
	f, err := mem.Append("/data/appendonlydir/appendonly.aof.5.incr.aof")
	must(t, err)
	f.Write([]byte("*1\r\n$4\r\nTO"))
	d, err := Open(Options{FS: hooked, Dir: "/data"})
	must(t, err)
	var told tale
	_, err = d.Recover(told.base, told.apply, nil)
	must(t, err)

	const path = "testdata/fsops"
	if *rewrite {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got := text.String(); got != string(want) {
		t.Errorf("the operations are not those of %s:\n%s", path, got)
	}
}
