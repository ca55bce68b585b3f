package crash

import (
	"math/rand/v2"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// TestCallsDoSomething: the calls that are made are right, and fill keys of all kinds.
func TestCallsDoSomething(t *testing.T) {
	c := harness.Start(t, harness.Options{Args: []string{"--appendonly", "no", "--save", ""}}).Dial(t)
	m := maker{rand.New(rand.NewPCG(1, 1)), "w:", allKinds}
	sizes := map[string]int{}
	for i := range 5000 {
		call := m.call()
		v := c.Do(call...)
		if v.IsError() && !strings.Contains(v.Str, "no such key") && !strings.Contains(v.Str, "item exists") {
			t.Fatalf("%.200q: %s", call, v)
		}
		if i%100 != 0 {
			continue
		}
		for _, kind := range allKinds {
			text, err := contents(c.Conn, m.key(kind))
			if err != nil {
				t.Fatal(err)
			}
			sizes[kind] = max(sizes[kind], len(text))
		}
	}
	for _, kind := range allKinds {
		if sizes[kind] < len("string until (int) -1: ") || sizes[kind] > 1<<20 {
			t.Errorf("%s: at most %d bytes", kind, sizes[kind])
		}
	}
	t.Log(sizes)
}
