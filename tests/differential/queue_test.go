package differential

import (
	"strings"

	"quarry/tests/harness"
)

// queue is what a connection has queued since MULTI, so that each element of EXEC's answer is
// compared as the reply to the call it belongs to.
type queue [][]string

// same compares the replies to a call by compare.
func (q *queue) same(args []string, a, b harness.Value, compare func(args []string, a, b harness.Value) bool) bool {
	name := commandName(args)
	switch {
	case a.Kind == harness.Status && a.Str == "QUEUED":
		*q = append(*q, args)
		return equal(a, b)
	case name == "exec" && a.Kind == harness.Array && !a.Nil:
		calls := *q
		*q = nil
		return sameAll(calls, a.Elems, b.Elems, compare) && b.Kind == a.Kind
	case name == "multi" || name == "exec" || name == "discard" || name == "reset" || a.Kind == harness.Closed:
		if !strings.HasPrefix(a.Str, "ERR MULTI calls") {
			*q = nil
		}
	}
	return compare(args, a, b)
}

// sameAll compares what the calls of a transaction answered.
func sameAll(calls [][]string, a, b []harness.Value, compare func(args []string, a, b harness.Value) bool) bool {
	if len(calls) != len(a) || len(a) != len(b) {
		return false
	}
	for i, args := range calls {
		if !compare(args, a[i], b[i]) {
			return false
		}
	}
	return true
}
