package contents

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"quarry/store"
	"quarry/store/bloom"
	"quarry/store/field"
	"quarry/tests/harness"
)

// Contents are keys, as database:key, each with its type, the time it expires at and its value. Encodings do not
// count, nor does the order of what has none.
type Contents map[string]string

// Of is what a store holds at a time, Unix ms: keys that are over and have not been removed are there, but members of fields that
// are over are not, nor are fields of which all are.
func Of(s *store.Store, nowMS int64) Contents {
	all := Contents{}
	for db := range s.Databases() {
		_ = s.Walk(db, nowMS, func(e *store.Entry) error {
			if text, there := describe(e, nowMS); there {
				all.add(db, string(e.Key()), text)
			}
			return nil
		})
	}
	return all
}

func (c Contents) add(db int, key, text string) { c[fmt.Sprintf("%d:%q", db, key)] = text }

// value is what a key holds, before it is text.
type value struct {
	kind     string
	expireAt int64 // Unix ms; 0: never
	elements []string
	ordered  bool
}

func (v *value) element(format string, args ...any) {
	v.elements = append(v.elements, fmt.Sprintf(format, args...))
}

func (v *value) String() string {
	if !v.ordered {
		slices.Sort(v.elements)
	}
	return fmt.Sprintf("%s until %d: %s", v.kind, v.expireAt, strings.Join(v.elements, " "))
}

// describe is an entry in words; there is false for a field that is gone.
func describe(e *store.Entry, nowMS int64) (text string, there bool) {
	v := value{expireAt: e.ExpireAt()}
	switch e.Type() {
	case store.TypeString:
		v.kind = "string"
		var b []byte
		for p := e.Parts(); p.More(); {
			b = append(b, p.Next()...)
		}
		v.element("%q", b)
	case store.TypeHash:
		v.kind = "hash"
		for it := e.Pairs(); it.Next(); {
			v.element("%q=%q", it.Key(), it.Value())
		}
	case store.TypeSet:
		v.kind = "set"
		for it := e.Pairs(); it.Next(); {
			v.element("%q", it.Key())
		}
	case store.TypeList:
		v.kind, v.ordered = "list", true
		for it := e.Items(); it.Next(); {
			v.element("%q", it.Value())
		}
	case store.TypeZSet:
		v.kind, v.ordered = "zset", true
		for it := e.Rows(false); it.Next(); {
			v.element("%q=%v", it.Member(), it.Score())
		}
	case store.TypeBloom:
		v.kind = "bloom"
		v.filter(e.Bloom())
	case store.TypeField:
		v.kind = "field"
		if !v.field(e, nowMS) {
			return "", false
		}
	}
	return v.String(), true
}

func (v *value) filter(b *bloom.Filter) {
	var s bloom.State
	b.State(&s)
	sum := fnv.New64a()
	_ = b.EachRun(func(first uint32, blocks []byte) error {
		for n := 0; n < len(blocks); n += bloom.BlockSize {
			if block := blocks[n : n+bloom.BlockSize]; slices.ContainsFunc(block, func(c byte) bool { return c != 0 }) {
				fmt.Fprint(sum, int(first)+n/bloom.BlockSize)
				sum.Write(block)
			}
		}
		return nil
	})
	v.element("%+v, bits %x", s, sum.Sum64())
}

func (v *value) field(e *store.Entry, nowMS int64) (there bool) {
	shape, created := *e.Field().Shape(), e.Field().Created()
	var rec field.Record
	for it := e.Members(); it.Next(); {
		it.Read(&rec)
		if rec.ExpiresAt != 0 && rec.ExpiresAt < nowMS {
			continue
		}
		var names []string
		for i := range rec.Numbers() {
			name, n := rec.Number(i)
			names = append(names, fmt.Sprintf("%q=%v", name, n))
		}
		slices.Sort(names)
		payload, has := rec.Payload()
		seq, hasSeq := rec.Seq()
		v.element("%q@%v,%v,%v until %d %s %q seq %t %d payload %t %q",
			it.Member(), rec.X, rec.Y, rec.Z, rec.ExpiresAt, names, rec.Tags(), hasSeq, seq, has, payload)
	}
	there = created || len(v.elements) > 0
	v.element(" %+v %t", shape, created)
	return there
}

// Ask is what a server holds of Redis' types in its first databases, as it answers commands; an error takes the place of the
// keys that it is answered for. The client is left at the last database.
func Ask(c *harness.Client, databases int) Contents {
	all := Contents{}
	for db := range databases {
		c.Do("SELECT", strconv.Itoa(db))
		keys := c.Do("KEYS", "*")
		if keys.IsError() {
			all.add(db, "", keys.Text())
		}
		for _, key := range keys.Strings() {
			v := value{kind: c.Do("TYPE", key).Str, expireAt: max(0, c.Do("PEXPIRETIME", key).Int)}
			if v.kind != "none" { // it has expired meanwhile
				v.ask(c, key)
				all.add(db, key, v.String())
			}
		}
	}
	return all
}

func (v *value) ask(c *harness.Client, key string) {
	switch v.kind {
	case "string":
		v.element("%q", c.Do("GET", key).Str)
	case "hash":
		for pair := range slices.Chunk(c.Do("HGETALL", key).Strings(), 2) {
			v.element("%q=%q", pair[0], pair[1])
		}
	case "set":
		for _, member := range c.Do("SMEMBERS", key).Strings() {
			v.element("%q", member)
		}
	case "list":
		v.ordered = true
		for _, element := range c.Do("LRANGE", key, "0", "-1").Strings() {
			v.element("%q", element)
		}
	case "zset":
		v.ordered = true
		for row := range slices.Chunk(c.Do("ZRANGE", key, "0", "-1", "WITHSCORES").Strings(), 2) {
			score, err := strconv.ParseFloat(row[1], 64)
			if err != nil {
				v.element("%v", err)
			}
			v.element("%q=%v", row[0], score+0) // -0 is 0
		}
	default:
		v.element("of a type that Redis has not")
	}
}

// Differences are the keys in which two contents differ, with both values, cut to some length; "" if there are none.
func Differences(got, want Contents) string {
	const most, length = 10, 600
	var b strings.Builder
	n := 0
	show := func(key string) {
		if n++; n <= most {
			fmt.Fprintf(&b, "%.100s\n  is     %.*s\n  is not %.*s\n", key, length, got.of(key), length, want.of(key))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			show(key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			show(key)
		}
	}
	if n > most {
		fmt.Fprintf(&b, "and %d keys more\n", n-most)
	}
	return b.String()
}

// ExpireAt is when a key expires, Unix ms; 0: never, or it is not there.
func (c Contents) ExpireAt(key string) (atMS int64) {
	_, text, _ := strings.Cut(c[key], " until ")
	text, _, _ = strings.Cut(text, ":")
	atMS, _ = strconv.ParseInt(text, 10, 64)
	return atMS
}

func (c Contents) of(key string) string {
	if text, ok := c[key]; ok {
		return text
	}
	return "not there"
}
