package config

import (
	"fmt"
	"strings"
)

// Pair is an option's name and its value.
type Pair struct{ Name, Value string }

// Get lists the options whose names match, in table order, with the values in
// effect; a name and its older alias are two entries. match sees names in lower case.
func (c *Config) Get(match func(name string) bool) []Pair {
	var pairs []Pair
	for i := range options {
		o := &options[i]
		for _, name := range []string{o.name, o.alias} {
			if name != "" && match(name) {
				pairs = append(pairs, Pair{name, o.text(c)})
			}
		}
	}
	return pairs
}

// text is the value in effect as CONFIG GET shows it.
func (o *option) text(c *Config) string {
	f := o.at(c)
	return strings.Join(f.words(o, f.effective()), " ")
}

// OnChange has fn called after CONFIG SET changed the named option. If fn
// returns an error the whole CONFIG SET is taken back, and the functions called
// so far are called again with the old values. fn may load options but must not
// call Get, Set, Rewrite or OnChange.
func (c *Config) OnChange(name string, fn func() error) {
	o := lookup(name)
	if o == nil {
		panic(fmt.Sprintf("config: OnChange of %q, which is no option", name))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks[o] = append(c.hooks[o], fn)
}

// setting is one pair of a CONFIG SET, understood.
type setting struct {
	name string // as the client wrote it
	o    *option
	f    field
	old  any
	new  any
}

// Set is CONFIG SET: all the pairs or none. The error's text is the whole
// reply, as Redis words it.
func (c *Config) Set(pairs []Pair) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	settings, err := c.resolve(pairs)
	if err != nil {
		return err
	}
	if err := stage(settings, pairs); err != nil {
		return err
	}
	for i := range settings {
		settings[i].f.put(settings[i].o, settings[i].new)
	}
	return c.announce(settings)
}

// resolve finds the options of the pairs and refuses what may not be set.
func (c *Config) resolve(pairs []Pair) ([]setting, error) {
	var settings []setting
	named := map[string]bool{}
	for _, p := range pairs {
		o := lookup(p.Name)
		if o == nil {
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", p.Name)
		}
		lower := strings.ToLower(p.Name)
		switch {
		case o.change == immutable:
			return nil, refusal(p.Name, "can't set immutable config")
		case o.change == protected:
			return nil, refusal(p.Name, "can't set protected config")
		case named[lower]:
			return nil, refusal(p.Name, "duplicate parameter")
		}
		named[lower] = true
		f := o.at(c)
		settings = append(settings, setting{name: p.Name, o: o, f: f, old: f.given()})
	}
	return settings, nil
}

func refusal(name, reason string) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, reason)
}

// stage reads the values without changing anything. A name and its alias are
// one option: the later value is read on top of the earlier one.
func stage(settings []setting, pairs []Pair) error {
	staged := map[*option]any{}
	for i := range settings {
		s := &settings[i]
		base, ok := staged[s.o]
		if !ok {
			base = s.old
		}
		v, err := s.o.read(s.f, base, valueWords(s.f, pairs[i].Value))
		if err != nil {
			return refusal(s.name, err.Error())
		}
		s.new, staged[s.o] = v, v
	}
	return nil
}

// valueWords splits the value of an option that takes several words; all
// others take the value as it is.
func valueWords(f field, value string) []string {
	switch f.(type) {
	case *Strings, *Percentiles, *SavePoints, *OutputLimits:
		if words := strings.Fields(value); len(words) > 0 {
			return words
		}
		return []string{""}
	}
	return []string{value}
}

// announce calls the hooks of what changed. When one refuses, it puts the old
// values back and tells those it has called.
func (c *Config) announce(settings []setting) error {
	for i := range settings {
		s := &settings[i]
		if s.o.same(s.f, s.old, s.new) {
			continue
		}
		for _, fn := range c.hooks[s.o] {
			if err := fn(); err != nil {
				c.takeBack(settings, i)
				return refusal(s.name, err.Error())
			}
		}
	}
	return nil
}

// takeBack restores all values and calls the hooks of settings up to refused
// again. They accepted the old values before, so what they say now is not asked.
func (c *Config) takeBack(settings []setting, refused int) {
	for i := len(settings) - 1; i >= 0; i-- {
		settings[i].f.put(settings[i].o, settings[i].old)
	}
	for i := range refused + 1 {
		s := &settings[i]
		if s.o.same(s.f, s.old, s.new) {
			continue
		}
		for _, fn := range c.hooks[s.o] {
			_ = fn()
		}
	}
}
