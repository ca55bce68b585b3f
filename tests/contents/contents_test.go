package contents

import (
	"strings"
	"testing"

	"quarry/tests/harness"
)

// TestAsk: all types and their parts are seen, and a difference in anything is one. That Of and Ask agree, the tests show that use both.
func TestAsk(t *testing.T) {
	s := harness.Start(t, harness.Options{Shards: 2})
	c := s.Dial(t)
	lines := []string{
		"SET s text", "SET n 17", "SET e 1 PXAT 99999999999999", "HSET h f 1 g 2", "SADD set 3 a 2", "SADD ints 3 1 2",
		"RPUSH l c a b", "ZADD z 1.5 a -inf b 0.1 c", "GEOADD geo 2 48 paris",
	}
	for _, line := range lines {
		c.Do(strings.Fields(line)...)
	}
	want := Ask(s.Dial(t), 2)
	if len(want) != len(lines) {
		t.Errorf("%d keys of %d", len(want), len(lines))
	}
	for key, text := range map[string]string{
		`0:"s"`: `string until 0: "text"`, `0:"e"`: `string until 99999999999999: "1"`, `0:"set"`: `set until 0: "2" "3" "a"`,
		`0:"l"`: `list until 0: "c" "a" "b"`, `0:"z"`: `zset until 0: "b"=-Inf "c"=0.1 "a"=1.5`, `0:"h"`: `hash until 0: "f"="1" "g"="2"`,
	} {
		if want[key] != text {
			t.Errorf("%s is %s, want %s", key, want[key], text)
		}
	}
	if a, b, c := want.ExpireAt(`0:"e"`), want.ExpireAt(`0:"s"`), want.ExpireAt("none"); a != 99999999999999 || b != 0 || c != 0 {
		t.Errorf("they expire at %d, %d and %d", a, b, c)
	}
	for _, line := range []string{
		"APPEND s x", "PERSIST e", "HSET h f 2", "SREM set a", "LSET l 0 d", "ZINCRBY z 1 a", "SELECT 1", "SET s text", "DEL s",
	} {
		c.Do(strings.Fields(line)...)
		got := Ask(s.Dial(t), 2)
		if line != "SELECT 1" && Differences(got, want) == "" {
			t.Errorf("%s makes no difference", line)
		}
		want = got
	}
	if d := Differences(want, want); d != "" {
		t.Error(d)
	}
}
