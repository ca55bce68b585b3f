package commands

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wordsOf makes words of bytes, each naming one of the list. Each has memory of its own, the empty one too.
func wordsOf(b []byte, list []string) (words [][]byte) {
	for _, c := range b {
		word := list[int(c)%len(list)]
		words = append(words, append([]byte(word), 0)[:len(word)])
	}
	return words
}

// callOf is a call of a command, for parsing what it is asked, and what it answers.
func callOf(t *testing.T, s *Spec, args [][]byte) (*Ctx, *textReply) {
	r := &textReply{t: t, proto: 2}
	c := &Ctx{Reply: r, NowMS: 1_700_000_000_000}
	c.Begin(s, args)
	return c, r
}

// setModel is what SET is asked for.
type setModel struct {
	condition, expiry string
	get               bool
	at                *big.Int
	problem           string
}

// setOptionsModel reads the options of SET. Each is one of a group of which only one may be given, which
// is checked afterwards.
func setOptionsModel(words []string, now int64) (m setModel) {
	chosen := map[string][]string{}
	value := ""
	for i := 0; i < len(words); i++ {
		word := strings.ToUpper(words[i])
		switch {
		case word == "NX", word == "XX":
			chosen["condition"] = append(chosen["condition"], word)
		case word == "GET":
			m.get = true
		case word == "KEEPTTL":
			chosen["expiry"] = append(chosen["expiry"], word)
		case slices.Contains([]string{"EX", "PX", "EXAT", "PXAT"}, word) && i+1 < len(words):
			chosen["expiry"] = append(chosen["expiry"], word)
			i++
			value = words[i]
		default:
			m.problem = errSyntax
		}
	}
	for _, group := range chosen {
		if len(slices.Compact(slices.Clone(group))) > 1 {
			m.problem = errSyntax
		}
	}
	if m.problem != "" {
		return m
	}
	m.condition, m.expiry = strings.Join(slices.Compact(chosen["condition"]), ""), strings.Join(slices.Compact(chosen["expiry"]), "")
	if m.expiry == "" || m.expiry == "KEEPTTL" {
		return m
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != value {
		m.problem = errNotInt
		return m
	}
	m.at = big.NewInt(n)
	if strings.HasPrefix(m.expiry, "EX") {
		m.at.Mul(m.at, big.NewInt(1000))
	}
	if !m.at.IsInt64() || n <= 0 {
		m.problem = "ERR invalid expire time in 'set' command"
		return m
	}
	if !strings.HasSuffix(m.expiry, "AT") {
		m.at.Add(m.at, big.NewInt(now))
	}
	if !m.at.IsInt64() {
		m.problem = "ERR invalid expire time in 'set' command"
	}
	return m
}

var setWords = []string{"NX", "xx", "GET", "EX", "px", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "1", "0", "-1", "10", "x", "", "01",
	"9223372036854775807", "9223372036854775", "9223372036854776", "9221672036854775807", "9221672036854775808"}

// FuzzSetOptions: the options of SET, in any order and number, against a model.
func FuzzSetOptions(f *testing.F) {
	spec, _ := NewCommandTable().Lookup([][]byte{[]byte("SET")})
	for _, seed := range []string{"\x00\x03\x0a", "\x07\x02\x01", "\x03\x09\x03\x0c\x02", "\x04\x10\x00", "\x05\x11", "\x05\x12", "\x06\x10", "\x04\x13", "\x04\x14", "\x00\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		args := wordsOf(b[:min(len(b), 12)], setWords)
		var words []string
		for _, a := range args {
			words = append(words, string(a))
		}
		c, r := callOf(t, spec, nil)
		want := setOptionsModel(words, c.NowMS)
		o, ok := c.setOptions(args)
		if problem := strings.TrimPrefix(r.text.String(), "-"); problem != want.problem || ok != (problem == "") {
			t.Fatalf("%q: %q, want %q", words, problem, want.problem)
		}
		if !ok {
			return
		}
		if o.nx != (want.condition == "NX") || o.xx != (want.condition == "XX") || o.get != want.get ||
			want.expiry != "" && o.expiry != expiryNamed([]byte(want.expiry)) || want.expiry == "" && o.expiry != expiryNone ||
			want.at != nil && want.at.Cmp(big.NewInt(o.atMS)) != 0 {
			t.Fatalf("%q: %+v, want %+v", words, o, want)
		}
	})
}

var sortWords = []string{"BY", "GET", "LIMIT", "STORE", "ASC", "desc", "ALPHA", "by", "get", "limit", "store", "#", "w_*", "w_*->f", "nosort", "*", "0", "-1", "3",
	"9223372036854775807", "x", ""}

// FuzzSortOptions: the options of SORT against a model, and the three that read them agree: the handler, and
// those that say which keys are locked before it runs.
func FuzzSortOptions(f *testing.F) {
	for _, seed := range []string{"\x00\x0c\x01\x0b\x05", "\x02\x10\x12\x06", "\x03\x0c\x03\x0b", "\x00\x0e\x00\x0c", "\x0a", "\x01\x03\x03", "\x02\x02\x02\x02"} {
		f.Add([]byte(seed), true)
	}
	f.Add([]byte("\x03\x15"), true)
	f.Fuzz(func(t *testing.T, b []byte, mayStore bool) {
		args := append([][]byte{[]byte("SORT"), []byte("key")}, wordsOf(b[:min(len(b), 14)], sortWords)...)
		got, problem := parseSort(args[2:], mayStore)
		want, wantProblem := sortModel(args[2:], mayStore)
		if problem != wantProblem {
			t.Fatalf("%q: %q, want %q", args, problem, wantProblem)
		}
		at := findSortStore(args)
		if at != 0 && (at < 3 || at >= len(args) || !equalFold(args[at-1], "STORE")) {
			t.Fatalf("%q: it stores at argument %d", args, at)
		}
		if problem != "" {
			return
		}
		if !bytes.Equal(got.by, want.by) || got.plain != want.plain || got.offset != want.offset || got.count != want.count ||
			got.desc != want.desc || got.alpha != want.alpha || !bytes.Equal(got.store, want.store) || !slices.EqualFunc(got.gets, want.gets, bytes.Equal) {
			t.Fatalf("%q: %+v, want %+v", args, got, want)
		}
		if (got.store != nil) != (at != 0) || at != 0 && &args[at][:1][0] != &got.store[:1][0] {
			t.Fatalf("%q: it stores at %q, and locks argument %d", args, got.store, at)
		}
		looksElsewhere := slices.ContainsFunc(append(got.gets, got.by), func(p []byte) bool { return bytes.IndexByte(p, '*') >= 0 })
		if looksElsewhere && !sortRoams(args) {
			t.Fatalf("%q: it looks at keys that are not named, and does not say so", args)
		}
	})
}

// sortModel reads the options of SORT from the last to the first: what a tail means
// does not depend on what is before it.
func sortModel(args [][]byte, mayStore bool) (s sorting, problem string) {
	if len(args) == 0 {
		return sorting{count: -1}, ""
	}
	takes := map[string]int{"ASC": 0, "DESC": 0, "ALPHA": 0, "LIMIT": 2, "GET": 1, "BY": 1}
	if mayStore {
		takes["STORE"] = 1
	}
	word := strings.ToUpper(string(args[0]))
	n, known := takes[word]
	if !known || n >= len(args) {
		return s, errSyntax
	}
	values := args[1 : 1+n]
	var offset, count int64
	if word == "LIMIT" { // a problem here comes before one that follows
		var errs [2]error
		offset, errs[0] = canonical(values[0])
		count, errs[1] = canonical(values[1])
		if errs[0] != nil || errs[1] != nil {
			return s, errNotInt
		}
	}
	rest := args[1+n:]
	if s, problem = sortModel(rest, mayStore); problem != "" {
		return s, problem
	}
	again := func(words ...string) bool { return sortHas(rest, words) }
	switch {
	case word == "GET":
		s.gets = append([][]byte{values[0]}, s.gets...)
	case word == "ALPHA":
		s.alpha = true
	case word == "BY":
		s.plain = s.plain || !bytes.Contains(values[0], []byte("*"))
		if !again("BY") {
			s.by = values[0]
		}
	case word == "LIMIT" && !again("LIMIT"):
		s.offset, s.count = offset, count
	case word == "STORE" && !again("STORE"):
		s.store = values[0]
	case word == "DESC" && !again("ASC", "DESC"):
		s.desc = true
	}
	return s, ""
}

// sortHas reports whether one of the options is among those that args are.
func sortHas(args [][]byte, words []string) bool {
	for len(args) > 0 {
		word := strings.ToUpper(string(args[0]))
		if slices.Contains(words, word) {
			return true
		}
		switch word {
		case "LIMIT":
			args = args[2:]
		case "GET", "BY", "STORE":
			args = args[1:]
		}
		args = args[1:]
	}
	return false
}

// canonical reads an integer that is printed as it is written.
func canonical(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err == nil && strconv.FormatInt(n, 10) != string(b) {
		err = strconv.ErrSyntax
	}
	return n, err
}

var scanWords = []string{"MATCH", "match", "COUNT", "count", "TYPE", "NOVALUES", "a*", "1", "0", "-1", "10", "9223372036854775807", "x", "zset", "hash", "nosuch", ""}

// FuzzScanOptions: SCAN, and HSCAN and its like, against a model.
func FuzzScanOptions(f *testing.F) {
	for _, seed := range []string{"\x00\x06\x02\x0a", "\x04\x0d\x02\x0b", "\x05", "\x02\x08", "\x02\x0c\x0f\x0f", "\x00\x06\x00\x0f\x05"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		args := wordsOf(b[:min(len(b), 10)], scanWords)
		c, r := callOf(t, nil, append([][]byte{[]byte("SCAN"), []byte("0")}, args...))
		o, _ := c.scanOptions()
		problem := strings.TrimPrefix(r.text.String(), "-")
		want := scanModel(args, "", true)
		if problem != want.problem || problem == "" && (!bytes.Equal(o.pattern, want.pattern) || o.count != want.count || o.only != typeNamed(want.only)) {
			t.Errorf("SCAN %q: %q, %+v, want %+v", args, problem, o, want)
		}
		for _, word := range []string{"", "NOVALUES"} {
			e, problem := parseElementScan(args, word)
			want := scanModel(args, word, false)
			if problem != want.problem || problem == "" && (!bytes.Equal(e.pattern, want.pattern) || e.count != want.count || e.keysOnly != want.keysOnly) {
				t.Errorf("HSCAN %q: %q, %+v, want %+v", args, problem, e, want)
			}
		}
	})
}

type scanWant struct {
	pattern, only []byte
	count         int
	keysOnly      bool
	problem       string
}

// scanModel reads pairs of words, and single ones.
func scanModel(args [][]byte, single string, types bool) scanWant {
	w := scanWant{count: 10}
	for ; len(args) > 0; args = args[1:] {
		word := strings.ToUpper(string(args[0]))
		if single != "" && word == single {
			w.keysOnly = true
			continue
		}
		if len(args) == 1 {
			w.problem = errSyntax
			return w
		}
		args = args[1:]
		switch {
		case word == "MATCH":
			w.pattern = args[0]
		case word == "TYPE" && types:
			w.only = args[0]
		case word == "COUNT":
			n, err := canonical(args[0])
			if err != nil {
				w.problem = errNotInt
				return w
			}
			if n < 1 {
				w.problem = errSyntax
				return w
			}
			w.count = int(min(n, math.MaxInt32))
		default:
			w.problem = errSyntax
			return w
		}
	}
	return w
}

// FuzzIntegers: what is an integer is what Go's package reads and prints alike.
func FuzzIntegers(f *testing.F) {
	for _, s := range []string{"0", "-0", "1", "-1", "+1", "01", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := canonical(b)
		got, ok := parseInt(b)
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q: %d, %v, want %d, %v", b, got, ok, want, err)
		}
		if f, isShort := shortInt(b); isShort {
			if exact, err := strconv.ParseFloat(string(b), 64); err != nil || exact != f {
				t.Errorf("%q: %v, want %v", b, f, exact)
			}
		}
	})
}
