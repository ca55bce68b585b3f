package commands

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"quarry/store"
)

func TestHashHotCommandsAllocateNothing(t *testing.T) {
	for _, size := range []int{5, 20_000} {
		k := newKeyspace(t, packed)
		for i := range size {
			k.call(fmt.Sprintf("HSET h field:%05d %d", i, i))
		}
		k.call("HSET five a 1 b two c 3.5 d 4 e five")
		for _, line := range []string{
			"HSET h field:00001 10 field:00003 x",
			"HSETNX h field:00001 10",
			"HGET h field:00002",
			"HGET h none",
			"HMGET h field:00001 field:00002 none",
			"HEXISTS h field:00001",
			"HSTRLEN h field:00001",
			"HLEN h",
			"HDEL h none",
			"HINCRBY h field:00002 3",
			"HINCRBYFLOAT h field:00004 0.25",
			"HRANDFIELD h",
			"HGETALL five",
			"HGET missing f",
		} {
			args := bytes.Fields([]byte(line))
			var r nullReply
			if allocs := testing.AllocsPerRun(50, func() { k.run(&r, args...) }); allocs != 0 {
				t.Errorf("%d fields: %s allocates %v times", size, line, allocs)
			}
			if r.failed != "" {
				t.Errorf("%s: %s", line, r.failed)
			}
		}
	}
}

// HRANDFIELD with a count answers that many different fields, of any size and form, each as
// often as the others.
func TestRandomFields(t *testing.T) {
	for _, size := range []int{1, 10, 40, 600} {
		k := newKeyspace(t, packed)
		for i := range size {
			k.call(fmt.Sprintf("HSET h f%d v%d", i, i))
		}
		hits := map[string]int{}
		drawn := 0
		for round := range 4000 {
			n := 1 + round%min(size, 10)
			fields := members(k.call(fmt.Sprint("HRANDFIELD h ", n)))
			slices.Sort(fields)
			if len(slices.Compact(fields)) != n {
				t.Fatalf("%d fields asked for of %d: %v", n, size, fields)
			}
			for _, f := range fields {
				hits[f]++
			}
			drawn += n
		}
		each := float64(drawn) / float64(size)
		for i := range size {
			if n := float64(hits[fmt.Sprint("f", i)]); n < each*0.2 || n > each*1.9 {
				t.Errorf("f%d of %d came %v times in place of %.0f", i, size, n, each)
			}
		}
		if got := members(k.call("HRANDFIELD h 100000 WITHVALUES")); len(got) != 2*size {
			t.Errorf("%d words for all %d fields", len(got), size)
		}
	}
}

// Repeats are bounded by the size of the answer.
func TestRandomFieldRepeatsAreBounded(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("HSET h f v")
	for _, line := range []string{"HRANDFIELD h -9223372036854775807", "HRANDFIELD h -100000000", "HRANDFIELD h -4000000000 WITHVALUES"} {
		if got := k.call(line); got != "-"+errOutOfRange {
			t.Errorf("%s: got %.100s", line, got)
		}
	}
	var r nullReply
	k.run(&r, []byte("HSET"), []byte("h"), []byte("f"), make([]byte, 64<<20))
	for _, c := range []struct {
		count  string
		failed string
	}{{"-7", ""}, {"-8", errOutOfRange}} {
		r = nullReply{}
		k.run(&r, []byte("HRANDFIELD"), []byte("h"), []byte(c.count), []byte("WITHVALUES"))
		if r.failed != c.failed {
			t.Errorf("%s values of 64 MB: got %q", c.count, r.failed)
		}
	}
}

// HSCAN of a large hash returns each field that stays, whatever comes and goes meanwhile.
func TestHscanOfAChangingHash(t *testing.T) {
	k := newKeyspace(t, packed)
	for i := range 2000 {
		k.call(fmt.Sprintf("HSET h f%d v%d", i, i))
	}
	seen := map[string]bool{}
	cursor, calls := "0", 0
	for {
		answer := members(k.call("HSCAN h " + cursor + " COUNT 50 NOVALUES"))
		for _, f := range answer[1:] {
			seen[f] = true
		}
		if cursor = answer[0]; cursor == "0" {
			break
		}
		calls++
		k.call(fmt.Sprintf("HSET h new%d v", calls))
		k.call(fmt.Sprintf("HDEL h f%d", 1000+calls))
	}
	for i := range 1000 {
		if !seen[fmt.Sprint("f", i)] {
			t.Errorf("f%d was not returned", i)
		}
	}
	if calls < 10 {
		t.Errorf("%d calls for 2000 fields", calls)
	}
}

// events notes what it is told.
type events []string

func (e *events) Modified(_ int, class Class, event string, key []byte) {
	*e = append(*e, fmt.Sprintf("%d:%s:%s", class, event, key))
}

func (*events) Flushing(*store.DB, int)      {}
func (*events) Swapping(*store.DB, int, int) {}

// Events come as redis-server 7.0.15 publishes them.
func TestHashEvents(t *testing.T) {
	k := newKeyspace(t, packed)
	k.call("ZADD z 1 m")
	var got events
	k.ctx.Observer = &got
	for _, c := range []struct {
		line string
		want []string
	}{
		{"HSET h a 1 b 2", []string{"hset"}},
		{"HSET h a 1", []string{"hset"}},
		{"HMSET h c 1", []string{"hset"}},
		{"HSETNX h a 2", nil},
		{"HSETNX h d 2", []string{"hset"}},
		{"HINCRBY h a 0", []string{"hincrby"}},
		{"HINCRBYFLOAT h a 1.5", []string{"hincrbyfloat"}},
		{"HINCRBY h a 1", nil},
		{"HDEL h none", nil},
		{"HDEL h a b none", []string{"hdel"}},
		{"HGETDEL h FIELDS 1 none", nil},
		{"HGETDEL h FIELDS 1 c", []string{"hdel"}},
		{"HDEL h d", []string{"hdel", "del"}},
		{"HDEL h d", nil},
		{"HSET z f v", nil},
		{"HSET h a", nil},
	} {
		got = nil
		k.call(c.line)
		var want events
		for _, event := range c.want {
			class := ClassHash
			if event == "del" {
				class = ClassGeneric
			}
			want = append(want, fmt.Sprintf("%d:%s:h", class, event))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.line, got, want)
		}
	}
}
