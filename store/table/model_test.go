package table

import (
	crand "crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"testing"
)

// The public API of Table against a map: random calls, every answer compared, Check after
// every few of them, and at the end not a byte left. A run is decided by its seed alone.
//
//	go test ./store/table -run 'TestModel$' -seed=7 one run again
//	go test ./store/table -run xxx -fuzz FuzzModel -fuzzminimizetime 1x

var oneSeed = flag.Uint64("seed", 0, "run the model test with this seed only")

// seeds are n fixed ones, and a fresh one.
func seeds(n int) (list []uint64) {
	if *oneSeed != 0 {
		return []uint64{*oneSeed}
	}
	if testing.Short() || underRace {
		n = max(1, n/10)
	}
	for i := range n {
		list = append(list, uint64(i+1))
	}
	var fresh [8]byte
	_, _ = crand.Read(fresh[:]) // never fails
	return append(list, binary.LittleEndian.Uint64(fresh[:]))
}

// model is a table under test and what must be true of it.
type model struct {
	*kit
	src      source
	shard    int
	pairs    bool
	t        Table
	it       Iter
	want     map[string]string
	keys     kind
	values   kind
	universe int
	step     int
	doing    string
	forms    map[Encoding]bool
	gone     map[string]bool // if not nil, collects the keys removed
}

func (k *kit) newModel(src source, pairs bool) *model {
	m := &model{
		kit: k, src: src, pairs: pairs, want: map[string]string{}, forms: map[Encoding]bool{},
		keys: kinds[src.intN(len(kinds))], values: kinds[src.intN(len(kinds))],
		universe: []int{5, 30, 140, 600, 3000, 20_000}[src.intN(6)],
	}
	m.env().Create(&m.t)
	k.models = append(k.models, m)
	return m
}

func (m *model) env() *Env { return m.envs[m.shard] }

func (m *model) do(format string, args ...any) {
	m.step++
	m.doing = fmt.Sprintf(format, args...)
}

func (m *model) fail(format string, args ...any) {
	m.Helper()
	m.Fatalf("%v in form %d of %q with values %q, step %d, %d keys, %s: %s", m.pairs, m.t.Encoding(), m.keys.name, m.values.name,
		m.step, len(m.want), m.doing, fmt.Sprintf(format, args...))
}

func (m *model) key() []byte { return m.keys.of(m.src.intN(m.universe)) }

func (m *model) value() []byte {
	if !m.pairs {
		return nil
	}
	return m.values.of(m.src.intN(2000))
}

func (m *model) put(key, value []byte) {
	m.do("put %.30q %.30q", key, value)
	before := m.t.Encoding()
	_, there := m.want[string(key)]
	if got := m.t.Put(key, value); got == there {
		m.fail("added: %v", got)
	}
	m.want[string(key)] = string(value)
	enc := m.t.Encoding()
	m.forms[enc] = true
	tooLong := len(key) > m.limits.PackedValue || len(value) > m.limits.PackedValue
	switch {
	case enc == Packed && tooLong && (m.pairs || !there):
		m.fail("still packed")
	case enc == Packed && !there && len(m.want) > m.limits.PackedEntries, enc == Ints && len(m.want) > m.limits.IntEntries:
		m.fail("still packed")
	case before > Packed && enc <= Packed:
		m.fail("packed again")
	case m.pairs && enc == Ints:
		m.fail("a hash")
	}
}

func (m *model) remove(key []byte) {
	m.do("remove %.30q", key)
	_, there := m.want[string(key)]
	if got := m.t.Remove(key); got != there {
		m.fail("removed: %v", got)
	}
	delete(m.want, string(key))
	if m.gone != nil {
		m.gone[string(key)] = true
	}
	m.forms[m.t.Encoding()] = true
}

// look compares what is said of a key.
func (m *model) look(key []byte) {
	m.do("look for %.30q", key)
	want, there := m.want[string(key)]
	if got := m.t.Has(key); got != there {
		m.fail("it is there: %v", got)
	}
	if !m.pairs {
		return
	}
	got, ok := m.t.Get(key)
	if ok != there || string(got) != want {
		m.fail("value %.30q, %v, want %.30q", got, ok, want)
	}
	if n, ok := m.t.ValueLen(key); ok != there || n != len(want) {
		m.fail("its value has %d bytes", n)
	}
}

// random draws an element.
func (m *model) random() {
	m.do("draw")
	if len(m.want) == 0 {
		return
	}
	key, value := m.t.Random(func() uint64 { return mix(m.src.intN(1 << 30)) })
	if want, there := m.want[string(key)]; !there || string(value) != want {
		m.fail("%.30q, %.30q", key, value)
	}
}

// walk compares all elements.
func (m *model) walk() {
	m.do("walk")
	seen := 0
	for m.it.Seek(&m.t); m.it.Next(); seen++ {
		key := string(m.it.Key())
		if want, there := m.want[key]; !there || string(m.it.Value()) != want {
			m.fail("%.30q, %.30q, want %.30q", key, m.it.Value(), want)
		}
	}
	if seen != len(m.want) || m.it.Next() {
		m.fail("%d elements", seen)
	}
}

// scan walks by SCAN, with changes between the calls.
func (m *model) scan() {
	m.do("scan")
	m.gone = map[string]bool{}
	start := map[string]bool{}
	for key := range m.want {
		start[key] = true
	}
	count := 1 + m.src.intN(50)
	seen := map[string]bool{}
	for cursor, calls := uint64(0), 0; ; calls++ {
		passed := 0
		cursor = m.t.Scan(cursor, count, func(key, value []byte) {
			passed++
			seen[string(key)] = true
			if want, there := m.want[string(key)]; !there || string(value) != want {
				m.fail("passes %.30q, %.30q", key, value)
			}
		})
		if m.t.Encoding() > Packed && passed > 10*count+100 {
			m.fail("%d elements in a call", passed)
		}
		if cursor == 0 {
			break
		}
		if calls > 1_000_000 {
			m.fail("it does not end")
		}
		m.changes(m.src.intN(4), 2)
		m.do("scan")
	}
	for key := range start {
		if !seen[key] && !m.gone[key] {
			m.fail("%.30q is not passed", key)
		}
	}
	m.gone = nil
}

// changes makes n changes, puts more than removals by the weight.
func (m *model) changes(n, weight int) {
	for range n {
		if m.src.intN(weight+1) > 0 {
			m.put(m.key(), m.value())
		} else {
			m.remove(m.key())
		}
	}
}

// elsewhere moves the table, or leaves it for its copy.
func (m *model) elsewhere() {
	to := m.src.intN(2)
	if m.src.intN(2) == 0 {
		m.do("move to shard %d", to)
		h := m.env().MoveTo(m.t.Handle(), m.envs[to])
		m.shard = to
		m.env().Open(h, &m.t)
		return
	}
	m.do("copy to shard %d", to)
	h := m.env().CopyTo(m.t.Handle(), m.envs[to])
	old := m.t.Handle()
	m.env().Free(old)
	m.shard = to
	m.env().Open(h, &m.t)
}

func (m *model) check() {
	if n := m.t.Len(); n != len(m.want) {
		m.fail("Len is %d", n)
	}
	if err := check(&m.t); err != nil {
		m.fail("%v", err)
	}
	m.checkMemory()
}

// run does random things.
func (m *model) run(steps int) {
	weight := 3
	for i := 0; i < steps && !m.src.done(); i++ {
		switch m.src.intN(40) {
		case 0:
			m.walk()
		case 1:
			if m.src.intN(10) == 0 {
				m.scan()
			}
		case 2:
			if m.src.intN(10) == 0 {
				m.elsewhere()
			}
		case 3:
			weight = m.src.intN(5)
		case 4:
			m.random()
		case 5:
			m.env().Open(m.t.Handle(), &m.t)
		case 6:
			m.envs[m.src.intN(2)].Reclaim(1)
		case 7:
			m.t.Prefetch([][]byte{m.key(), m.key()})
			m.env().PrefetchHead(m.t.Handle())
		case 8:
			m.limits.PackedEntries = []int{0, 3, 128, 100_000}[m.src.intN(4)]
		case 9:
			m.changes(m.src.intN(300), weight)
		case 10, 11, 12, 13:
			m.look(m.key())
		default:
			m.changes(1, weight)
		}
		if i%20 == 0 {
			m.check()
		}
	}
	m.check()
	m.walk()
}

func TestModel(t *testing.T) {
	forms := map[Encoding]int{}
	for _, seed := range seeds(60) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			src := newSeeded(seed)
			pairs := src.intN(2) == 0
			k := newKit(t, Limits{512, 128, 64}, pairs)
			defer k.close()
			for range 3 {
				m := k.newModel(src, pairs)
				m.run(400)
				for enc := range m.forms {
					forms[enc]++
				}
			}
		})
	}
	if *oneSeed == 0 && !testing.Short() && !underRace {
		for enc := Ints; enc <= Large; enc++ {
			if forms[enc] < 3 {
				t.Errorf("form %d was had %d times", enc, forms[enc])
			}
		}
	}
}

// FuzzModel lets the fuzzer decide.
func FuzzModel(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x01\x20\x20\x20\x20\x20\x20\x20\x20\x20\x20"))
	f.Add([]byte("\x00\x00\x00\x05\x09\x01\x2c\x09\x01\x2c\x02\x00\x01\x09\xff\xff\x02\x00\x00"))
	f.Add([]byte("\x00\x0a\x0a\x03\x09\x01\x2c\x09\x01\x2c\x02\x00\x01\x01\x00\x03\x00\x01\x00\x09\xff\xff\x02\x00\x00"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		src := &fuzzed{ops}
		pairs := src.intN(2) == 0
		k := newKit(t, Limits{512, 128, 64}, pairs)
		defer k.close()
		k.newModel(src, pairs).run(2000)
	})
}
