package commands

import (
	"errors"
	"testing"
)

func TestDebug(t *testing.T) {
	f := newFakes(t)
	for _, sub := range []string{"SLEEP 1", "SET-ACTIVE-EXPIRE 0", "OBJECT k", "CHECK", "HELP"} {
		if got := f.call("DEBUG " + sub); got != "-"+errNoDebug || f.host.asked != "" {
			t.Errorf("%s: %s, asked %s", sub, got, f.host.asked)
		}
	}
	f.client.debugs = true
	for _, c := range []struct{ call, asked string }{
		{"DEBUG SLEEP 1.5", "sleep 1.5s"},
		{"DEBUG SLEEP x", "sleep 0s"},
		{"DEBUG SLEEP -1", "sleep 0s"},
		{"DEBUG SLEEP 1e300", "sleep 1281023h53m38.427387904s"},
		{"DEBUG SET-ACTIVE-EXPIRE 0", "expire false"},
		{"DEBUG SET-ACTIVE-EXPIRE x", "expire false"},
		{"DEBUG SET-ACTIVE-EXPIRE 1", "expire true"},
		{"DEBUG CHECK", "check"},
	} {
		if got := f.call(c.call); got != "OK" || f.host.asked != c.asked {
			t.Errorf("%s: %s, asked %s", c.call, got, f.host.asked)
		}
	}
	f.host.err = errors.New("shard 3: a broken place")
	f.answers([][2]string{{"DEBUG CHECK", "-ERR shard 3: a broken place"}})
}

func TestMemoryAnswers(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"MEMORY STATS", `{"keys.count" 3 "fragmentation" 1.5}`},
		{"MEMORY DOCTOR", `txt:"well"`},
		{"MEMORY MALLOC-STATS", `txt:"pages"`},
		{"MEMORY PURGE", "OK"},
	})
	if f.host.asked != "purge" {
		t.Errorf("asked %s", f.host.asked)
	}
}
