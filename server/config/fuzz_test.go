package config

import (
	"errors"
	"testing"
)

// FuzzFile feeds the file parser. Whatever it accepts must come out of a
// rewrite unchanged in meaning and, since nothing has changed, in bytes.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "# c\nport 1\r\n", "maxmemory 4gb\nbind a 'b c' \"\\x41\"", "save \"\"", "hz 99999\ndir .",
		"client-output-buffer-limit normal 1 2 3 pubsub 4kb 5 6", "latency-tracking-info-percentiles 50 99.9",
		"requirepass \"\\\"\\\\\\n\\x00\"", "zset-max-ziplist-entries 3\nzset-max-listpack-entries 4",
		"port \"1", "include /dev/null", "nosuch 1", "port 1\x00", "event-loops auto", "unixsocketperm 0777",
		"\"port\" '1'", "'", "shards 3", "timeout 99999999999999999999", "maxmemory 9223372036854775807gb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := defaults()
		noIncludes := source{name: "fuzz", depth: maxIncludeDepth}
		if err := c.readText(noIncludes, text); err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Reason == "" {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		same, err := c.render(text)
		if err != nil || same != text {
			t.Fatalf("rewritten: %q, %v; was %q", same, err, text)
		}
		fresh, err := c.render("")
		if err != nil {
			t.Fatalf("rewriting all of %q: %v", text, err)
		}
		if again, err := c.render(fresh); err != nil || again != fresh {
			t.Fatalf("%q is rewritten as %q, %v", fresh, again, err)
		}
	})
}
