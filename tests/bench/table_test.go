package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// table is a table in Markdown: first the heading, whose names that end in a colon
// stand over numbers, which are aligned right.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

func (t table) String() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], len(strings.TrimSuffix(cell, ":")))
		}
	}
	var b strings.Builder
	for i, row := range t {
		for j, cell := range row {
			width := widths[j]
			if t.numeric(j) {
				width = -width
			}
			fmt.Fprintf(&b, "| %*s ", -width, strings.TrimSuffix(cell, ":"))
		}
		b.WriteString("|\n")
		if i == 0 {
			t.rule(&b, widths)
		}
	}
	return b.String()
}

// rule is the line under the heading.
func (t table) rule(b *strings.Builder, widths []int) {
	for j, width := range widths {
		end := " "
		if t.numeric(j) {
			end = ":"
		}
		b.WriteString("| " + strings.Repeat("-", width) + end)
	}
	b.WriteString("|\n")
}

func (t table) numeric(column int) bool { return strings.HasSuffix(t[0][column], ":") }

// thousands writes a number rounded, with commas between groups of three digits.
func thousands(f float64) string {
	digits := strconv.FormatFloat(f, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// milliseconds writes a time with as much of it as one cares to know.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}

func decimal(f float64, digits int) string { return strconv.FormatFloat(f, 'f', digits, 64) }

// target writes what was to be reached; nothing where there is none.
func target(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// median is the middle of the values, the lower one of two.
func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

func TestTable(t *testing.T) {
	list := table{{"name", "number:"}}
	list.add("a", "1,000")
	list.add("longer", "2")
	const want = "" +
		"| name   | number |\n" +
		"| ------ | ------:|\n" +
		"| a      |  1,000 |\n" +
		"| longer |      2 |\n"
	if got := list.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNumbersInTables(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{thousands(0), "0"},
		{thousands(999.4), "999"},
		{thousands(1000), "1,000"},
		{thousands(1234567), "1,234,567"},
		{milliseconds(1234567), "1.235"},
		{target(0), ""},
		{target(1.8), "1.8"},
		{decimal(median([]float64{3, 1, 2}), 1), "2.0"},
		{decimal(median([]float64{3, 1, 2, 4}), 1), "2.0"},
		{median([]time.Duration{5}).String(), "5ns"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
