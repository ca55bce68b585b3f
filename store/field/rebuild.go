package field

import (
	"errors"
	"fmt"
	"math"
)

// ErrDamaged is in errors of Rebuild and Restore: this is no field.
var ErrDamaged = errors.New("field: damaged")

// Rebuild makes f a new field that has a shape and numeric fields of these names, whose numbers ascend as they are listed, but no
// members: Restore puts them there. It checks what it is told, and fails with ErrDamaged.
func (e *Env) Rebuild(s Shape, created bool, names [][]byte, f *Field) error {
	if s.Space > Geo || s.Dims != firstDimension && s.Dims != lastDimension {
		return fmt.Errorf("%w: space %d, %d dimensions", ErrDamaged, s.Space, s.Dims)
	}
	if err := s.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(names) > MaxNames {
		return fmt.Errorf("%w: %d numeric fields", ErrDamaged, len(names))
	}
	seen := map[string]bool{}
	for _, name := range names {
		if len(name) < 1 || len(name) > MaxNameLen || seen[string(name)] {
			return fmt.Errorf("%w: numeric field %q", ErrDamaged, name)
		}
		seen[string(name)] = true
	}
	e.Open(e.newHead(&head{shape: s, created: created}), f)
	var given [256]bool
	for _, name := range names {
		given[f.names.give(name, &given)] = true
	}
	f.storeNames()
	return nil
}

// Restore puts a member, which is not there, into the field, as Put does at the beginning of time: a deadline that has passed is kept.
// It checks what it is told, and fails with ErrDamaged.
func (f *Field) Restore(member []byte, x, y, z float64, c *Change) error {
	if err := f.refusesMember(x, y, z, c); err != nil {
		return fmt.Errorf("%w: member %.64q: %w", ErrDamaged, member, err)
	}
	if o := f.Put(member, x, y, z, c, math.MinInt64); o != Added {
		return fmt.Errorf("%w: member %.64q comes twice", ErrDamaged, member)
	}
	return nil
}

// refusesMember says what is wrong with a member that comes from outside.
func (f *Field) refusesMember(x, y, z float64, c *Change) error {
	if err := f.Refuses(x, y, z); err != nil {
		return err
	}
	for i, name := range c.Names {
		if f.names.find(name) < 0 || math.IsNaN(c.Values[i]) || math.IsInf(c.Values[i], 0) {
			return fmt.Errorf("numeric field %q is %v", name, c.Values[i])
		}
	}
	if len(c.Tags) > MaxTags || len(c.sortedTags()) != len(c.Tags) {
		return ErrTooManyTags
	}
	for _, t := range c.Tags {
		if len(t.Name) < 1 || len(t.Name) > MaxNameLen || len(t.Text) > MaxTextLen {
			return fmt.Errorf("tag %q: %q", t.Name, t.Text)
		}
	}
	if c.ExpiresAt < 0 {
		return fmt.Errorf("it expires at %d", c.ExpiresAt)
	}
	return nil
}
