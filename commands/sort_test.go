package commands

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What is sorted is told apart by its first eight bytes or by the bits of its numbers; the rest, and ties, by
// more. Both ways, whole and a few of many, stored and answered.
func TestSortOrders(t *testing.T) {
	numbers := strings.Fields("-inf -1e300 -2 -1.5 -1 -1e-300 0 1e-300 1 1.0000000000000002 1.5 2 123456789012 1e300 inf")
	texts := strings.Fields("-1 0 12345678 123456780 1234567800 12345678a 12345679 A a aa aaaaaaa aaaaaaaa aaaaaaaaa aaaaaaaab b \xff \xff\xff")
	rng := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		extra := make([]string, rng.IntN(60))
		for i := range extra {
			extra[i] = strconv.Itoa(rng.IntN(1_000_000) + 3)
		}
		extra = slices.Compact(slices.Sorted(slices.Values(extra)))
		checkSort(t, "", slices.Concat(numbers, extra), func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			return int(oneIf(x > y) - oneIf(x < y))
		})
		checkSort(t, "ALPHA", slices.Concat(texts, extra), strings.Compare)
	}
}

// TestSortScores: which texts are numbers to SORT. redis-server 7.0.15 says the same of each.
func TestSortScores(t *testing.T) {
	for _, text := range []string{"", " 1", "0x10", "-0", "+5", ".5", "5.", "Infinity", "1e308", "2.2250738585072014e-308", "0x1p-1074", "12\x00x"} {
		if _, ok := parseSortScore([]byte(text)); !ok {
			t.Errorf("%q is no number", text)
		}
	}
	for _, text := range []string{"1 ", "nan", "abc", "1e400", "1e-400", "1e-320", "-1e-310", "1e-308", " "} {
		if f, ok := parseSortScore([]byte(text)); ok {
			t.Errorf("%q is %v", text, f)
		}
	}
}

// checkSort sorts elements that are all different, from a list in which they have no order.
func checkSort(t *testing.T, alpha string, elements []string, order func(a, b string) int) {
	k := newKeyspace(t, packed)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(elements), func(i, j int) { elements[i], elements[j] = elements[j], elements[i] })
	k.run(&nullReply{}, append([][]byte{[]byte("RPUSH"), []byte("l")}, bytes.Fields([]byte(strings.Join(elements, " ")))...)...)
	want := slices.SortedFunc(slices.Values(elements), order)
	for _, desc := range []string{"", "DESC"} {
		for _, n := range []int{len(want), 4} {
			limit := fmt.Sprintf(" LIMIT 0 %d ", n)
			first := fmt.Sprintf("%q", want[:n])
			if got := k.call("SORT l " + alpha + limit + desc); got != first {
				t.Errorf("%s %s\n got %s\nwant %s", alpha, desc, got, first)
			}
			k.call("SORT l STORE d " + alpha + limit + desc)
			if got := k.call("LRANGE d 0 -1"); got != first {
				t.Errorf("%s %s, stored\n got %s\nwant %s", alpha, desc, got, first)
			}
		}
		slices.Reverse(want)
	}
}
