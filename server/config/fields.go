package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// field is the value of one option. Its methods are called with Config.mu held.
type field interface {
	// parse reads the words of a directive. base is the value they are applied
	// on, for kinds that are set piece by piece. Nothing is changed.
	parse(o *option, base any, words []string) (any, error)
	// words is the value in the form parse reads and CONFIG GET shows.
	words(o *option, v any) []string
	// given is the value as it was set, effective the one that readers see.
	given() any
	effective() any
	// put publishes a value that parse returned.
	put(o *option, v any)
}

// cell keeps a value for concurrent readers, and the value as it was given
// where the one in effect is derived from it (maxmemory 0, dir ./).
type cell[T any] struct {
	set    T // as given; guarded by Config.mu
	effect atomic.Pointer[T]
}

// Load is the value in effect.
func (c *cell[T]) Load() T { return *c.effect.Load() }

func (c *cell[T]) given() any     { return c.set }
func (c *cell[T]) effective() any { return c.Load() }

func (c *cell[T]) put(o *option, v any) {
	c.set = v.(T)
	effect := c.set
	if o.derive != nil {
		effect = o.derive(v).(T)
	}
	c.effect.Store(&effect)
}

// Int is a whole number: a count, a port, a time in the unit its row names.
type Int struct{ cell[int] }

func (f *Int) parse(o *option, _ any, words []string) (any, error) {
	word, err := single(words)
	if err != nil {
		return nil, err
	}
	if o.auto && strings.EqualFold(word, "auto") {
		return 0, nil
	}
	if o.octal {
		return parseOctal(o, word)
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != word { // refuses +1, 010 and -0, as Redis does
		return nil, errors.New("argument couldn't be parsed into an integer")
	}
	if n < o.min || n > o.max {
		return nil, fmt.Errorf("argument must be between %d and %d inclusive", o.min, o.max)
	}
	return int(n), nil
}

func parseOctal(o *option, word string) (any, error) {
	n, err := strconv.ParseUint(word, 8, 32)
	if err != nil {
		return nil, errors.New("argument couldn't be parsed as an octal number")
	}
	if int64(n) > o.max {
		return nil, fmt.Errorf("argument must be between %o and %o inclusive", o.min, o.max)
	}
	return int(n), nil
}

func (f *Int) words(o *option, v any) []string {
	n := v.(int)
	switch {
	case o.auto && n == 0:
		return []string{"auto"}
	case o.octal:
		return []string{strconv.FormatInt(int64(n), 8)}
	}
	return []string{strconv.Itoa(n)}
}

// Bytes is an amount of memory, written with an optional unit (see parseBytes).
type Bytes struct{ cell[int64] }

func (f *Bytes) parse(o *option, _ any, words []string) (any, error) {
	word, err := single(words)
	if err != nil {
		return nil, err
	}
	n, ok := parseBytes(word)
	if !ok {
		return nil, errors.New("argument must be a memory value")
	}
	if n < o.min || n > o.max {
		return nil, fmt.Errorf("argument must be between %d and %d inclusive", o.min, o.max)
	}
	return n, nil
}

func (f *Bytes) words(_ *option, v any) []string {
	return []string{strconv.FormatInt(v.(int64), 10)}
}

// byteUnits are Redis' units, in any letter case: the short ones are powers of
// a thousand, the long ones powers of 1024.
var byteUnits = []struct {
	suffix string
	bytes  int64
}{
	{"", 1}, {"b", 1},
	{"k", 1000}, {"kb", 1 << 10},
	{"m", 1000 * 1000}, {"mb", 1 << 20},
	{"g", 1000 * 1000 * 1000}, {"gb", 1 << 30},
}

// parseBytes reads an amount of memory: decimal digits and a unit. Redis takes
// an empty string and numbers past 64 bits too, for 0 and for whatever remains
// after the overflow; neither can be what was meant, so both are refused here.
func parseBytes(s string) (int64, bool) {
	digits := 0
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil {
		return 0, false
	}
	for _, u := range byteUnits {
		if strings.EqualFold(s[digits:], u.suffix) {
			return n * u.bytes, n <= math.MaxInt64/u.bytes
		}
	}
	return 0, false
}

// Bool is yes or no.
type Bool struct{ cell[bool] }

func (f *Bool) parse(_ *option, _ any, words []string) (any, error) {
	word, err := single(words)
	switch {
	case err != nil:
		return nil, err
	case strings.EqualFold(word, "yes"):
		return true, nil
	case strings.EqualFold(word, "no"):
		return false, nil
	}
	return nil, errors.New("argument must be 'yes' or 'no'")
}

func (f *Bool) words(_ *option, v any) []string {
	if v.(bool) {
		return []string{"yes"}
	}
	return []string{"no"}
}

// Enum is one word of those its row lists, in lower case.
type Enum struct{ cell[string] }

func (f *Enum) parse(o *option, _ any, words []string) (any, error) {
	word, err := single(words)
	if err != nil {
		return nil, err
	}
	for _, choice := range o.choices {
		if strings.EqualFold(word, choice) {
			return choice, nil
		}
	}
	return nil, errors.New("argument(s) must be one of the following: " + strings.Join(o.choices, ", "))
}

func (f *Enum) words(_ *option, v any) []string { return []string{v.(string)} }

// String is text: a name, a path, a password.
type String struct{ cell[string] }

func (f *String) parse(_ *option, _ any, words []string) (any, error) { return single(words) }

func (f *String) words(_ *option, v any) []string { return []string{v.(string)} }

// Strings is a list of words; one empty word stands for the empty list. The
// slice that Load returns is shared: it is not to be changed.
type Strings struct{ cell[[]string] }

func (f *Strings) parse(o *option, _ any, words []string) (any, error) {
	if len(words) == 0 || len(words) == 1 && words[0] == "" {
		return []string(nil), nil
	}
	return slices.Clone(words), nil
}

func (f *Strings) words(_ *option, v any) []string { return v.([]string) }

// Events is a set of the letters that name keyspace events, in the order and with the
// short form of CONFIG GET: A for all of allEvents.
type Events struct{ cell[string] }

const (
	allEvents   = "g$lshzxetd"
	eventsOrder = allEvents + "nKEm"
)

func (f *Events) parse(_ *option, _ any, words []string) (any, error) {
	word, err := single(words)
	if err != nil {
		return nil, err
	}
	word = strings.ReplaceAll(word, "A", allEvents)
	if strings.Trim(word, eventsOrder) != "" {
		return nil, errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	var letters strings.Builder
	for _, letter := range eventsOrder {
		if strings.ContainsRune(word, letter) {
			letters.WriteRune(letter)
		}
	}
	return strings.Replace(letters.String(), allEvents, "A", 1), nil
}

func (f *Events) words(_ *option, v any) []string { return []string{v.(string)} }

// Percentiles is a list of numbers from 0 to 100. The slice that Load returns
// is shared: it is not to be changed.
type Percentiles struct{ cell[[]float64] }

func (f *Percentiles) parse(_ *option, _ any, words []string) (any, error) {
	var list []float64
	if len(words) == 1 && words[0] == "" {
		return list, nil
	}
	for _, w := range words {
		p, err := strconv.ParseFloat(w, 64)
		if err != nil || math.IsNaN(p) {
			return nil, errors.New("Invalid latency-tracking-info-percentiles parameters")
		}
		if p < 0 || p > 100 {
			return nil, errors.New("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
		}
		list = append(list, p)
	}
	return list, nil
}

func (f *Percentiles) words(_ *option, v any) []string {
	var words []string
	for _, p := range v.([]float64) {
		words = append(words, strconv.FormatFloat(p, 'f', -1, 64))
	}
	return words
}

// SavePoint is a pair of the directive save: so many changes in so many seconds.
type SavePoint struct{ Seconds, Changes int64 }

// SavePoints are the pairs of the directive save, which adds to what an earlier line of a file says. The slice
// that Load returns is shared: it is not to be changed.
type SavePoints struct{ cell[[]SavePoint] }

func (f *SavePoints) parse(_ *option, _ any, words []string) (any, error) {
	var list []SavePoint
	if len(words) == 1 && words[0] == "" {
		return list, nil
	}
	if len(words)%2 != 0 {
		return nil, errSavePoints
	}
	for i := 0; i < len(words); i += 2 {
		seconds, err := strconv.ParseInt(words[i], 10, 64)
		changes, err2 := strconv.ParseInt(words[i+1], 10, 64)
		if err != nil || err2 != nil || seconds < 1 || changes < 0 {
			return nil, errSavePoints
		}
		list = append(list, SavePoint{seconds, changes})
	}
	return list, nil
}

var errSavePoints = errors.New("Invalid save parameters")

func (f *SavePoints) words(_ *option, v any) []string {
	var words []string
	for _, p := range v.([]SavePoint) {
		words = append(words, strconv.FormatInt(p.Seconds, 10), strconv.FormatInt(p.Changes, 10))
	}
	return words
}

// Class is the kind of a client, as far as output buffers are concerned.
type Class uint8

// The classes of client-output-buffer-limit.
const (
	Normal Class = iota
	Replica
	PubSub
	classes
)

// classNames are the names that CONFIG GET shows; "replica" is read as well.
var classNames = [classes]string{"normal", "slave", "pubsub"}

// OutputLimit says when a client that does not read its replies is cut: at
// once above Hard bytes, or after SoftSeconds above Soft bytes. 0 is no limit.
type OutputLimit struct {
	Hard, Soft  int64
	SoftSeconds int
}

// OutputLimits is one [OutputLimit] per class, indexed by [Class].
type OutputLimits struct{ cell[[classes]OutputLimit] }

// For is the limit of a class.
func (f *OutputLimits) For(c Class) OutputLimit { return f.effect.Load()[c] }

// parse reads "class hard soft seconds", any number of times; classes that are
// not named keep their limits.
func (f *OutputLimits) parse(_ *option, base any, words []string) (any, error) {
	limits := base.([classes]OutputLimit)
	if len(words) == 1 && words[0] == "" {
		return limits, nil
	}
	if len(words)%4 != 0 {
		return nil, errors.New("Wrong number of arguments in buffer limit configuration.")
	}
	for ; len(words) > 0; words = words[4:] {
		class, ok := parseClass(words[0])
		if !ok {
			return nil, errors.New("Invalid client class specified in buffer limit configuration.")
		}
		hard, hardOK := parseBytes(words[1])
		soft, softOK := parseBytes(words[2])
		seconds, err := strconv.ParseInt(words[3], 10, 32)
		if !hardOK || !softOK || err != nil || seconds < 0 {
			return nil, errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		limits[class] = OutputLimit{hard, soft, int(seconds)}
	}
	return limits, nil
}

func parseClass(name string) (Class, bool) {
	if strings.EqualFold(name, "replica") {
		return Replica, true
	}
	for c, known := range classNames {
		if strings.EqualFold(name, known) {
			return Class(c), true
		}
	}
	return 0, false
}

func (f *OutputLimits) words(_ *option, v any) []string {
	var words []string
	for c, l := range v.([classes]OutputLimit) {
		words = append(words, classNames[c], strconv.FormatInt(l.Hard, 10),
			strconv.FormatInt(l.Soft, 10), strconv.Itoa(l.SoftSeconds))
	}
	return words
}

// errWords is Redis' text for a directive with too few or too many words.
var errWords = errors.New("wrong number of arguments")

func single(words []string) (string, error) {
	if len(words) != 1 {
		return "", errWords
	}
	return words[0], nil
}
