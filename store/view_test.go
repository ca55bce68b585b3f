package store

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"

	"quarry/store/field"
)

// text is an entry's key with all that it holds; equal texts are equal entries.
func (e *Entry) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %q %d: ", e.Database(), e.Key(), e.ExpireAt())
	switch e.Type() {
	case TypeString:
		for p := e.Parts(); p.More(); {
			b.Write(p.Next())
		}
	case TypeZSet:
		for it := e.Rows(false); it.Next(); {
			fmt.Fprintf(&b, "%s=%g ", it.Member(), it.Score())
		}
	case TypeHash, TypeSet:
		var list []string
		for it := e.Pairs(); it.Next(); {
			list = append(list, fmt.Sprintf("%s=%s", it.Key(), it.Value()))
		}
		sort.Strings(list)
		fmt.Fprint(&b, list)
	case TypeList:
		for it := e.Items(); it.Next(); {
			fmt.Fprintf(&b, "%s ", it.Value())
		}
	case TypeBloom:
		fmt.Fprint(&b, e.Bloom().Len())
	case TypeField:
		var list []string
		for it := e.Members(); it.Next(); {
			list = append(list, fmt.Sprintf("%s", it.Member()))
		}
		fmt.Fprint(&b, len(list), list)
	}
	return b.String()
}

// source is a store or a view.
type source interface {
	Databases() int
	walkAll(db int, fn func(*Entry) error) error
}

func (v *View) walkAll(db int, fn func(*Entry) error) error { return v.Walk(db, fn) }

// locked is a store all of whose shards are locked.
type locked struct{ *Store }

func (s locked) walkAll(db int, fn func(*Entry) error) error {
	e := Entry{index: db}
	for _, sh := range s.shards {
		if err := sh.walk(db, &e, fn); err != nil {
			return err
		}
	}
	return nil
}

// textOf is all that a source holds, by key.
func textOf(s source) map[string]string {
	all := map[string]string{}
	for db := range s.Databases() {
		_ = s.walkAll(db, func(e *Entry) error {
			all[fmt.Sprint(db, " ", string(e.Key()))] = e.text()
			return nil
		})
	}
	return all
}

func compareTexts(t *testing.T, want, got map[string]string) {
	t.Helper()
	for key, text := range want {
		if got[key] != text {
			t.Fatalf("%q: a view has %.300q, at the cut it was %.300q", key, got[key], text)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("a view has %d keys, at the cut there were %d", len(got), len(want))
	}
}

// changer changes a store at random.
type changer struct {
	s   *Store
	d   *DB
	rnd *rand.Rand
	now int64
}

func (c *changer) key() []byte { return fmt.Appendf(nil, "k%d", c.rnd.IntN(60)) }

func (c *changer) value() []byte {
	n := c.rnd.IntN(80)
	switch c.rnd.IntN(40) {
	case 0:
		n = c.rnd.IntN(200_000)
	case 1:
		n = c.rnd.IntN(5000)
	}
	return []byte(strings.Repeat(string(rune('a'+c.rnd.IntN(26))), n))
}

func (c *changer) step() {
	key, other := c.key(), c.key()
	shards := map[int]bool{c.s.ShardOf(key): true, c.s.ShardOf(other): true}
	for i := range c.s.Shards() {
		if shards[i] {
			c.s.Lock(i)
		}
	}
	c.now++
	d := c.d
	d.Begin(c.rnd.IntN(2), c.now)
	c.change(d, key, other)
	d.End()
	for i := range c.s.Shards() {
		if shards[i] {
			c.s.Unlock(i)
		}
	}
	switch c.rnd.IntN(3000) {
	case 0:
		c.lockAll(func() { c.s.FlushDB(0) })
	case 1:
		c.lockAll(func() { c.s.SwapDB(0, 1) })
	}
	if c.rnd.IntN(20) == 0 {
		c.s.Tick(c.now)
	}
}

func (c *changer) lockAll(fn func()) {
	for i := range c.s.Shards() {
		c.s.Lock(i)
	}
	fn()
	for i := range c.s.Shards() {
		c.s.Unlock(i)
	}
}

func (c *changer) change(d *DB, key, other []byte) {
	many := 1
	if c.rnd.IntN(30) == 0 {
		many = c.rnd.IntN(3000)
	}
	switch c.rnd.IntN(14) {
	case 0:
		d.SetString(key, c.value(), false)
	case 1:
		if z, err := d.ZSetForWrite(key); err == nil {
			for range many {
				z.Add(fmt.Appendf(nil, "m%d", c.rnd.IntN(4000)), float64(c.rnd.IntN(1000)), 0)
			}
		}
	case 2:
		if z, err := d.ZSetForWrite(key); err == nil && z.Len() > 0 {
			n := min(many, z.Len())
			z.RemoveRange(c.rnd.IntN(z.Len()-n+1), n, nil)
		}
	case 3:
		if h, err := d.HashForWrite(key); err == nil {
			for range many {
				h.Put(fmt.Appendf(nil, "f%d", c.rnd.IntN(3000)), c.value())
			}
		}
	case 4:
		if s, err := d.SetForWrite(key); err == nil {
			for range many {
				s.Add(fmt.Appendf(nil, "%d", c.rnd.IntN(5000)))
			}
		}
	case 5:
		if s, err := d.SetForWrite(key); err == nil {
			for range many {
				s.Remove(fmt.Appendf(nil, "%d", c.rnd.IntN(5000)))
			}
		}
	case 6:
		if l, err := d.ListForWrite(key); err == nil {
			for range many {
				l.Push(c.rnd.IntN(2) == 0, c.value())
			}
		}
	case 7:
		if l, err := d.ListForWrite(key); err == nil && l.Len() > 0 {
			n := min(many, l.Len())
			l.RemoveRange(c.rnd.IntN(l.Len()-n+1), n)
		}
	case 8:
		d.Delete(key)
	case 9:
		d.Rename(key, other)
	case 10:
		_, _, _ = d.Copy(key, other, c.rnd.IntN(2), true)
	case 11:
		d.SetExpireAt(key, c.now+int64(c.rnd.IntN(500)))
	case 12:
		if f, err := d.FieldForWrite(key); err == nil {
			for range many {
				f.Put(fmt.Appendf(nil, "t%d", c.rnd.IntN(2000)), float64(c.rnd.IntN(1000)), float64(c.rnd.IntN(1000)), 0, &field.Change{})
			}
		}
	case 13:
		if s, err := d.StringForWrite(key); err == nil {
			s.Set(append([]byte("x"), c.value()...))
		}
	}
}

// TestViews changes a store at random while views are cut and read: each is what the store was when it was cut.
func TestViews(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 12
	}
	for seed := range uint64(4) {
		s, err := Open(Options{Shards: 4, Databases: 2, Seed: seed + 1})
		if err != nil {
			t.Fatal(err)
		}
		c := &changer{s: s, d: s.NewDB(), rnd: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000}
		for range 2000 {
			c.step()
		}
		var readers sync.WaitGroup
		for range rounds {
			for range c.rnd.IntN(300) {
				c.step()
			}
			if c.rnd.IntN(2) == 0 {
				s.PrepareCut()
			}
			var want map[string]string
			v, err := s.Cut(func() { want = textOf(locked{s}) })
			if err != nil {
				t.Fatal(err)
			}
			if keys, _ := v.Size(0); keys+func() int64 { n, _ := v.Size(1); return n }() != int64(len(want)) {
				t.Fatal("a view has another size")
			}
			wait := c.rnd.IntN(200)
			for range wait {
				c.step()
			}
			readers.Go(func() {
				defer v.Close()
				compareTexts(t, want, textOf(v))
			})
			if c.rnd.IntN(3) == 0 {
				for range 500 {
					c.step()
				}
				readers.Wait()
			}
		}
		readers.Wait()
		if st := s.Views(); st.Active != 0 || st.Bytes != 0 {
			t.Errorf("%d views are left, which take %d bytes", st.Active, st.Bytes)
		}
		for i := range s.Shards() {
			s.Lock(i)
			if err := s.Check(i); err != nil {
				t.Error(err)
			}
			s.Unlock(i)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
