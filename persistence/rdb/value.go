package rdb

import (
	"quarry/store"
)

// codeOf is the code of the form in which values of a type are written.
func codeOf(t store.Type) byte {
	switch t {
	case store.TypeString:
		return typeString
	case store.TypeHash:
		return typeHash
	case store.TypeSet:
		return typeSet
	case store.TypeList:
		return typeList
	case store.TypeZSet:
		return typeZSet
	case store.TypeBloom:
		return typeBloom
	default:
		return typeField
	}
}

// value writes the value of an entry: its elements one by one, whatever its encoding, which every version of Redis reads, and gives
// the encoding that its own limits ask for.
func (w *writer) value(e *store.Entry) {
	switch e.Type() {
	case store.TypeString:
		w.stringValue(e)
	case store.TypeHash:
		w.length(uint64(e.Len()))
		for it := e.Pairs(); w.err == nil && it.Next(); w.room() {
			w.str(it.Key())
			w.str(it.Value())
		}
	case store.TypeSet:
		w.length(uint64(e.Len()))
		for it := e.Pairs(); w.err == nil && it.Next(); w.room() {
			w.str(it.Key())
		}
	case store.TypeList:
		w.length(uint64(e.Len()))
		for it := e.Items(); w.err == nil && it.Next(); w.room() {
			w.str(it.Value())
		}
	case store.TypeZSet:
		w.length(uint64(e.Len()))
		for it := e.Rows(true); w.err == nil && it.Next(); w.room() { // the highest first: then each goes to the front where they are read
			w.str(it.Member())
			w.float(it.Score())
		}
	case store.TypeBloom:
		w.bloom(e.Bloom())
	default:
		w.field(e)
	}
}

// stringValue writes a string; a long one piece by piece.
func (w *writer) stringValue(e *store.Entry) {
	n, p := e.Len(), e.Parts()
	if n == 0 {
		w.length(0)
		return
	}
	first := p.Next()
	switch {
	case len(first) == n:
		w.str(first)
	case n <= compressMax && w.compress:
		whole := append(make([]byte, 0, n), first...)
		for p.More() {
			whole = append(whole, p.Next()...)
		}
		w.str(whole)
	default:
		w.length(uint64(n))
		w.raw(first)
		for w.err == nil && p.More() {
			w.raw(p.Next())
			w.room()
		}
	}
}
