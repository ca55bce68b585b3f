package store

import (
	"errors"
	"fmt"

	"quarry/store/bloom"
	"quarry/store/internal/slab"
)

// Bloom is a Bloom filter under its key. Its methods keep the key's record in step: a change is stored at once. A
// filter without items is one: it goes with its key only.
//
// Filters are pooled in their DB, so that opening one allocates nothing.
type Bloom struct {
	bloom.Filter // reads; the method below takes the place of its changing one

	at spot
}

// bloomSeed is the seed of the hash of filters that are made in this process, drawn with that of the other hashes.
func (s *Store) bloomSeed() uint64 { return s.hash.Sum([]byte("bloom")) }

// bloomKind is what the shard does with Bloom filters.
type bloomKind struct{ sh *shard }

func (k bloomKind) free(rec slab.Ref) { k.sh.blooms.Free(k.sh.bloomOf(rec)) }

func (k bloomKind) move(rec slab.Ref, to *shard) value {
	return bloomValue(k.sh.blooms.MoveTo(k.sh.bloomOf(rec), &to.blooms))
}

func (k bloomKind) copy(rec slab.Ref, to *shard) value {
	return bloomValue(k.sh.blooms.CopyTo(k.sh.bloomOf(rec), &to.blooms))
}

func (k bloomKind) bytes(rec slab.Ref) int64 {
	k.sh.blooms.Open(k.sh.bloomOf(rec), &k.sh.bloom)
	return k.sh.bloom.Bytes()
}

func (k bloomKind) encoding(slab.Ref) string { return "raw" } // as that of a module's value

func (k bloomKind) reclaim(n int) bool { return k.sh.blooms.Reclaim(n) }

func (k bloomKind) arenas() int { return k.sh.blooms.Arenas() }

func (k bloomKind) check(c *checker, rec slab.Ref) error {
	var f bloom.Filter
	h := k.sh.bloomOf(rec)
	switch h.Enc {
	case bloom.Small, bloom.Large:
	default:
		return fmt.Errorf("a Bloom filter of encoding %d", h.Enc)
	}
	if h.Enc == bloom.Large {
		if err := c.own(TypeBloom, h.Ref); err != nil {
			return err
		}
	}
	k.sh.blooms.Open(h, &f)
	return f.Check(c.audit)
}

// bloomOf is the name of the filter that a record keeps.
func (sh *shard) bloomOf(rec slab.Ref) bloom.Handle {
	enc, ref := sh.formOf(rec)
	return bloom.Handle{Enc: bloom.Encoding(enc), Ref: ref}
}

func bloomValue(h bloom.Handle) value { return value{typ: TypeBloom, enc: uint8(h.Enc), ref: h.Ref} }

// Bloom opens the Bloom filter at key, to read it; nil if there is no such key. It counts a keyspace hit or miss.
func (d *DB) Bloom(key []byte) (*Bloom, error) {
	at := d.find(key)
	at.count()
	return d.openBloom(at)
}

// BloomForWrite opens the Bloom filter at key to change it; nil if there is no such key.
func (d *DB) BloomForWrite(key []byte) (*Bloom, error) { return d.openBloom(d.find(key)) }

func (d *DB) openBloom(at spot) (*Bloom, error) {
	if at.rec == 0 {
		return nil, nil
	}
	if at.sh.typeOf(at.rec) != TypeBloom {
		return nil, ErrWrongType
	}
	d.use(at.sh, at.rec)
	b := d.blooms.next()
	b.at = at
	at.sh.blooms.Open(at.sh.bloomOf(at.rec), &b.Filter)
	return b, nil
}

// NewBloom makes an empty Bloom filter at key, which is not there. It fails with bloom.ErrLimit, or with ErrOOM if
// its bits, once all are used, would not fit maxmemory.
func (d *DB) NewBloom(key []byte, p bloom.Params) (*Bloom, error) {
	at := d.find(key)
	b := d.blooms.next()
	if err := at.sh.blooms.Create(p, &b.Filter); err != nil {
		return nil, bloomError(err)
	}
	at.make(key, bloomValue(b.Handle()), d.newUse())
	b.at = at
	return b, nil
}

// Add adds an item, unless Has finds it, and reports whether it has. It fails with bloom.ErrFull or bloom.ErrLimit
// if the filter takes no more, and with ErrOOM; the item is not added then.
func (b *Bloom) Add(item []byte) (added bool, err error) {
	added, err = b.Filter.Add(item)
	if h := b.Handle(); h != b.at.sh.bloomOf(b.at.rec) {
		b.at.sh.setForm(b.at.rec, TypeBloom, uint8(h.Enc), h.Ref)
	}
	return added, bloomError(err)
}

// bloomError is an error of package bloom as one of the store.
func bloomError(err error) error {
	if errors.Is(err, bloom.ErrNoRoom) {
		return ErrOOM
	}
	return err
}
