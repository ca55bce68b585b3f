package differential

import (
	"path/filepath"
	"testing"
	"time"

	"quarry/tests/harness"
	"quarry/tests/transcript"
)

// ours are the transcripts of commands that the oracle has not, with the reason.
var ours = map[string]string{
	"bloom": "a module has them",
	"hunt":  "they are our own, as in the next ones", "hunt_put": "", "hunt_get": "", "hunt_nearby": "", "hunt_events": "",
}

// Every transcript is played against both servers and the replies compared,
// so that what it shows is what Redis does.
func TestTranscripts(t *testing.T) {
	for _, f := range transcript.Load(t, "../../commands/testdata") {
		if _, only := ours[filepath.Base(f.Name)]; only {
			continue
		}
		for proto := 2; proto <= 3; proto++ {
			t.Run(filepath.Base(f.Name), func(t *testing.T) {
				oracle := harness.StartRedis(t)
				quarry := harness.Start(t, harness.Options{})
				// The oracle's clock cannot be moved; ours waits with it.
				a := &transcript.Player{Addr: oracle.Addr, Proto: proto, Advance: time.Sleep}
				b := &transcript.Player{Addr: quarry.Addr, Proto: proto}
				defer a.Close()
				defer b.Close()
				queues, client := map[string]*queue{}, ""
				for i := range f.Blocks {
					if f.Blocks[i].Directive == transcript.Client {
						client = f.Blocks[i].Arg
					}
					if queues[client] == nil {
						queues[client] = &queue{}
					}
					playBoth(t, f.Name, &f.Blocks[i], a, b, queues[client])
				}
			})
		}
	}
}

// playBoth plays a block; q is what its client has queued.
func playBoth(t *testing.T, name string, b *transcript.Block, oracle, quarry *transcript.Player, q *queue) {
	both := *b
	both.Calls, both.Lines = nil, nil
	for i, c := range b.Calls {
		if !isNewer(c) {
			both.Calls, both.Lines = append(both.Calls, c), append(both.Lines, b.Lines[i])
		}
	}
	want, err := oracle.Play(&both)
	if err != nil {
		t.Fatalf("redis, %s:%d: %v", name, b.Line, err)
	}
	got, err := quarry.Play(&both)
	if err != nil {
		t.Fatalf("%s:%d: %v", name, b.Line, err)
	}
	for i, v := range want {
		if !sameInBlock(&both, i, v, got[i], q) {
			t.Errorf("%s:%d: %s\nredis answers\n%s\nquarry answers\n%s", name, b.Line, lineOf(&both, i), v, got[i])
		}
	}
}

// lineOf is the command that reply i answers; a read has none.
func lineOf(b *transcript.Block, i int) string {
	if b.Directive != transcript.Run {
		return b.Directive
	}
	return b.Lines[i]
}

func sameInBlock(b *transcript.Block, i int, v, w harness.Value, q *queue) bool {
	switch {
	case b.Directive != transcript.Run:
		return equal(v, w)
	case b.Arg == transcript.Shape:
		return shape(v, w)
	case b.Arg == transcript.Unordered && !v.IsError() && !w.IsError():
		return unordered(v, w)
	}
	return q.same(b.Calls[i], v, w, same)
}
