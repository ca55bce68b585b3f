package bench

import (
	"flag"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
	"time"

	"quarry/tests/harness"
)

var profileFlag = flag.String("profile", "", "file that TestProfile writes to; by default one that is thrown away")

// TestProfile records where a server under all workloads spends its time, for the
// compiler: main's directory holds such a profile, default.pgo, and go build
// lays the hot paths out by it. The load comes from this process too and is in the
// profile, which does no harm: the program has none of its functions.
func TestProfile(t *testing.T) {
	s := newSettings(t)
	name := *profileFlag
	if name == "" {
		name = filepath.Join(t.TempDir(), "cpu.pgo")
	}
	srv := harness.Start(t, harness.Options{Loops: 1})
	p := &peer{quarry, &harness.Process{Addr: srv.Addr}}
	fillFor(t, p, s.workloads)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		t.Fatal(err)
	}
	for _, w := range s.workloads {
		for _, depth := range s.pipelines {
			l := load{p, w, s.conns, depth, s.duration, 1}
			before := calls(t, p.Dial(t), w.command)
			lanes := l.lanes(t)
			failures, end := make(chan error, len(lanes)), time.Now().Add(s.duration)
			for _, lane := range lanes {
				go func() { failures <- lane.repeat(depth, end) }()
			}
			for range lanes {
				if err := <-failures; err != nil {
					t.Fatal(err)
				}
			}
			l.settle(t, lanes, before)
		}
	}
	pprof.StopCPUProfile()
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		t.Errorf("nothing was recorded: %v", err)
	}
}
