package field

import (
	"fmt"

	"quarry/store/internal/slab"
)

// names are the names of a field's numeric fields, which its members' rows name by number. They lie in one
// object of the shard's heap, made with the first name:
//
//	0 u16 number of entries
//	2 entries: u32 members that have it | u8 length | name
//
// An entry that no member uses any more stays until its number is wanted for another name. So who
// makes up names without end is stopped at MaxNames of those in use.
type names struct {
	heap *slab.Heap
	ref  slab.Ref // 0: there are none
}

const (
	namesHead = 2
	nameHead  = 5
)

// nameEntry is an entry where it lies.
type nameEntry struct {
	id   int
	at   int // where it begins
	uses uint32
	name []byte
}

// nameWalk goes through the entries by number.
type nameWalk struct {
	n     *names
	count int
	nameEntry
}

func (n *names) walk() nameWalk {
	w := nameWalk{n: n, nameEntry: nameEntry{id: -1, at: namesHead - nameHead}}
	if n.ref != 0 {
		w.count = int(n.heap.R(n.ref).U16(0))
	}
	return w
}

func (w *nameWalk) next() bool {
	if w.id+1 >= w.count {
		return false
	}
	w.id++
	w.at += nameHead + len(w.name)
	r := w.n.heap.R(w.n.ref)
	w.uses = r.U32(w.at)
	w.name = r.Bytes(w.at+nameHead, int(r.U8(w.at+4)))
	return true
}

// find is the number of a name, used or not; -1 if it has none.
func (n *names) find(name []byte) int {
	for w := n.walk(); w.next(); {
		if string(w.name) == string(name) {
			return w.id
		}
	}
	return -1
}

// name is the name of a number that there is.
func (n *names) name(id uint8) []byte {
	w := n.walk()
	for w.next() && w.id < int(id) {
	}
	return w.name
}

// room reports whether all the names of a list, which may repeat, can have a number at once.
func (n *names) room(list [][]byte) bool {
	used := 0
	for w := n.walk(); w.next(); {
		if w.uses > 0 {
			used++
		}
	}
	if used+len(list) <= MaxNames || len(list) == 0 { // without looking which they are
		return true
	}
	wanted := map[string]bool{}
	for _, name := range list {
		wanted[string(name)] = true
	}
	for w := n.walk(); w.next(); {
		if w.uses > 0 && !wanted[string(w.name)] {
			wanted[string(w.name)] = true
		}
	}
	return len(wanted) <= MaxNames
}

// give gives a name a number, the one it has, that of an unused entry, or a new one. Entries with numbers
// in keep, a set, are not given away.
func (n *names) give(name []byte, keep *[256]bool) uint8 {
	free := -1
	for w := n.walk(); w.next(); {
		if string(w.name) == string(name) {
			return uint8(w.id)
		}
		if w.uses == 0 && !keep[w.id] && free < 0 {
			free = w.id
		}
	}
	return n.put(free, name)
}

// put makes an entry for a name: in place of entry id, which has no uses, or, if that is -1, at the end.
func (n *names) put(id int, name []byte) uint8 {
	var b []byte
	w := n.walk()
	entry := func(uses uint32, name []byte) {
		b = append(b, uint8(uses), uint8(uses>>8), uint8(uses>>16), uint8(uses>>24), uint8(len(name)))
		b = append(b, name...)
	}
	count := w.count
	for w.next() {
		if w.id == id {
			entry(0, name)
		} else {
			entry(w.uses, w.name)
		}
	}
	if id < 0 {
		id = count
		count++
		entry(0, name)
	}
	n.free()
	n.ref = n.heap.Alloc(namesHead + len(b))
	o := n.heap.W(n.ref)
	o.SetU16(0, uint16(count))
	o.Copy(namesHead, b)
	return uint8(id)
}

// use notes that delta members more have each of some numeric fields, ids ascending.
func (n *names) use(list []number, delta int) {
	w := n.walk()
	for _, num := range list {
		for w.id < int(num.id) && w.next() {
		}
		n.heap.W(n.ref).SetU32(w.at, w.uses+uint32(delta))
	}
}

func (n *names) free() {
	if n.ref != 0 {
		n.heap.Free(n.ref)
		n.ref = 0
	}
}

// copyTo copies the names to another heap and returns the copy's name there.
func (n *names) copyTo(to *slab.Heap) slab.Ref {
	if n.ref == 0 {
		return 0
	}
	size := n.size()
	c := to.Alloc(size)
	to.W(c).CopyFrom(0, n.heap.R(n.ref), 0, size)
	return c
}

// size is the length of the object in use.
func (n *names) size() int {
	w := n.walk()
	for w.next() {
	}
	return w.at + nameHead + len(w.name)
}

func (n *names) bytes() int64 {
	if n.ref == 0 {
		return 0
	}
	return int64(n.heap.Cap(n.ref))
}

// check verifies the entries and that they are used as often as uses says, by number.
func (n *names) check(a *slab.Audit, uses *[256]uint32) error {
	count := 0
	if n.ref != 0 {
		if err := a.Own(n.ref, namesHead); err != nil {
			return err
		}
		o := n.heap.R(n.ref)
		if count = int(o.U16(0)); count < 1 || count > MaxNames {
			return fmt.Errorf("field: %d names", count)
		}
		at, room, seen := namesHead, n.heap.Cap(n.ref), map[string]bool{}
		for id := range count {
			if at+nameHead > room || at+nameHead+int(o.U8(at+4)) > room || o.U8(at+4) > MaxNameLen {
				return fmt.Errorf("field: name %d, at %d, does not end within %d bytes", id, at, room)
			}
			name := string(o.Bytes(at+nameHead, int(o.U8(at+4))))
			if seen[name] {
				return fmt.Errorf("field: name %q is there twice", name)
			}
			seen[name] = true
			if o.U32(at) != uses[id] {
				return fmt.Errorf("field: %d members have %q, counted are %d", uses[id], name, o.U32(at))
			}
			at += nameHead + len(name)
		}
	}
	for id := count; id < len(uses); id++ {
		if uses[id] > 0 {
			return fmt.Errorf("field: %d members have numeric field %d of %d", uses[id], id, count)
		}
	}
	return nil
}
