package crash

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"quarry/tests/harness"
)

// contents is what a key holds, as text; equal texts are equal keys.
func contents(c *harness.Conn, key string) (string, error) {
	kind, err := c.Call("TYPE", key)
	if err != nil || kind.Str == "none" {
		return kind.Str, err
	}
	until, err := c.Call("PEXPIRETIME", key)
	if err != nil {
		return "", err
	}
	text, err := value(c, kind.Str, key)
	return fmt.Sprintf("%s until %s: %s", kind.Str, until, text), err
}

// valueCalls read a whole value by its type. What has no order is sorted.
var valueCalls = map[string][]string{
	"string": {"GET"},
	"hash":   {"HGETALL"},
	"set":    {"SMEMBERS"},
	"list":   {"LRANGE", "0", "-1"},
	"zset":   {"ZRANGE", "0", "-1", "WITHSCORES"},
}

func value(c *harness.Conn, kind, key string) (string, error) {
	switch kind {
	case "hunt-field":
		return fieldValue(c, key)
	case "MBbloom--":
		return bloomValue(c, key)
	}
	v, err := c.Call(slices.Insert(slices.Clone(valueCalls[kind]), 1, key)...)
	switch {
	case err != nil:
		return "", err
	case kind == "hash":
		list := v.Strings()
		pairs := make([]string, 0, len(list)/2)
		for i := 0; i+1 < len(list); i += 2 {
			pairs = append(pairs, fmt.Sprintf("%q: %q", list[i], list[i+1]))
		}
		slices.Sort(pairs)
		return strings.Join(pairs, ", "), nil
	case kind == "set":
		v = v.Sorted()
	}
	return v.String(), nil
}

// fieldValue is all that a field holds, member by member. Times to live are made moments, to
// the next thousandth of those that a maker makes.
func fieldValue(c *harness.Conn, key string) (string, error) {
	found, err := c.Call("HUNT.SCAN", key, "0", "COUNT", "1000000")
	if err != nil || len(found.Elems) != 2 {
		return found.String(), err
	}
	members := found.Elems[1].Strings()
	slices.Sort(members)
	var b strings.Builder
	for _, m := range members {
		v, err := c.Call("HUNT.GET", key, m, "WITHCOORD", "WITHFIELDS", "WITHTAGS", "WITHPAYLOAD")
		if err != nil {
			return "", err
		}
		now, err := c.Call("TIME")
		if err != nil {
			return "", err
		}
		ttl, err := c.Call("HUNT.GET", key, m, "WITHTTL")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%q %s until %s\n", m, v.String(), moment(now, ttl))
	}
	return b.String(), nil
}

// moment is when the only TTL in a reply ends, in units of 1e6 s.
func moment(now, ttl harness.Value) string {
	words := strings.Fields(ttl.String())
	for _, w := range words {
		if ms, err := strconv.ParseFloat(strings.Trim(w, `")`), 64); err == nil && ms > 1e9 {
			seconds, _ := strconv.ParseFloat(now.Elems[0].Str, 64)
			return fmt.Sprintf("%.0f", (ms/1e3+seconds)/1e6)
		}
	}
	return "ever"
}

// bloomValue is what a filter says of everything that may have been added, and of itself.
func bloomValue(c *harness.Conn, key string) (string, error) {
	ask := []string{"BF.MEXISTS", key}
	for i := range 300 {
		ask = append(ask, "item:"+strconv.Itoa(i))
	}
	there, err := c.Call(ask...)
	if err != nil {
		return "", err
	}
	self, err := c.Call("BF.INFO", key)
	return self.String() + "\n" + there.String(), err
}
