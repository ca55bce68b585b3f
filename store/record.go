package store

import (
	"bytes"

	"quarry/store/internal/slab"
)

// A key's record is an object of the shard's heap. The directory and the time index name
// it by its ref; it stays where it is as long as the key exists, but for the record
// of a string whose size changes (moveRecord).
//
//	 0 u64 time it expires at, Unix ms; 0 never
//	 8 u32 value: its name in its form; the length of an inline string
//	12 u32 use: when, or how often, the key was used (use.go)
//	16 u8  type
//	17 u8  encoding: the value's form
//	18 u16 length of the key, or 0xffff
//	20 the key
//	   a short string (string.go)
//
// A key that does not fit the largest object is a blob; its hash is kept, since
// the directory asks for it when it splits a bucket:
//
//	20 u32 blob | 24 u64 hash
//
// A 10-byte key takes 32 bytes, a 19-byte key 48, and 7 to 8 in the directory; a
// 16-byte key with a string of 12 bytes 48 and 7 to 8.
const (
	recExpire = 0
	recValue  = 8
	recUse    = 12
	recType   = 16
	recEnc    = 17
	recKeyLen = 18
	recKey    = 20
	recBlob   = 20
	recHash   = 24
	recLong   = 32 // size of the record of a long key

	longKey   = 0xffff
	inlineMax = slab.MaxSize - recKey
	longKept  = 64 << 10 // longer keys are read into memory that is not kept
)

// newRecord makes a record with a key and room for inline bytes behind it, and nothing else.
func (sh *shard) newRecord(key []byte, h uint64, inline int) slab.Ref {
	area := len(key)
	if len(key) > inlineMax {
		area = recLong - recKey
	}
	rec := sh.heap.Alloc(recKey + area + inline)
	w := sh.heap.W(rec)
	w.Zero(0, recKey)
	if len(key) > inlineMax {
		w.SetU16(recKeyLen, longKey)
		w.SetU64(recHash, h)
		w.SetU32(recBlob, uint32(sh.heap.PutBlob(key)))
	} else {
		w.SetU16(recKeyLen, uint16(len(key)))
		w.Copy(recKey, key)
	}
	sh.keyBytes += sh.recordBytes(rec)
	return rec
}

// inlineAt is where what follows the key begins in a record.
func (sh *shard) inlineAt(rec slab.Ref) int {
	n := sh.heap.R(rec).U16(recKeyLen)
	if n == longKey {
		return recLong
	}
	return recKey + int(n)
}

// moveRecord gives the record an object of another size, which keeps its first bytes, and
// tells all that name it.
func (sh *shard) moveRecord(at *spot, size, keep int) {
	old := at.rec
	sh.keyBytes += int64(slab.Class(size) - sh.heap.Cap(old))
	at.rec = sh.heap.Alloc(size)
	sh.heap.W(at.rec).CopyFrom(0, sh.heap.R(old), 0, keep)
	p := at.db.keys.Find(at.hash)
	for p.Next() {
		if p.Ref() == uint32(old) {
			p.Replace(uint32(at.rec))
			break
		}
	}
	if atMS := sh.expireAt(old); atMS != 0 {
		sh.times.Open(at.db.times, &sh.set)
		sh.set.Remove(sh.nameOf(old))
		sh.set.Add(sh.nameOf(at.rec), float64(atMS), 0)
		sh.storeTimes(at.db)
	}
	sh.heap.Free(old)
}

// freeRecord gives a record's memory back, not its value's.
func (sh *shard) freeRecord(rec slab.Ref) {
	sh.keyBytes -= sh.recordBytes(rec)
	if r := sh.heap.R(rec); r.U16(recKeyLen) == longKey {
		sh.heap.FreeBlob(slab.Ref(r.U32(recBlob)))
	}
	sh.heap.Free(rec)
}

// recordBytes is the memory of a record and its key.
func (sh *shard) recordBytes(rec slab.Ref) int64 {
	n := int64(sh.heap.Cap(rec))
	if r := sh.heap.R(rec); r.U16(recKeyLen) == longKey {
		n += slab.BlobBytes(sh.heap.BlobLen(slab.Ref(r.U32(recBlob))))
	}
	return n
}

// keyNoCopy is a record's key, valid until the shard is unlocked or it is called again.
func (sh *shard) keyNoCopy(rec slab.Ref) []byte {
	r := sh.heap.R(rec)
	n := r.U16(recKeyLen)
	if n != longKey {
		return r.Bytes(recKey, int(n))
	}
	blob := slab.Ref(r.U32(recBlob))
	if sh.heap.BlobLen(blob) > longKept {
		return sh.heap.AppendBlob(nil, blob)
	}
	sh.longKey = sh.heap.AppendBlob(sh.longKey[:0], blob)
	return sh.longKey
}

// hasKey reports whether key is the record's key.
func (sh *shard) hasKey(rec slab.Ref, key []byte) bool {
	r := sh.heap.R(rec)
	n := r.U16(recKeyLen)
	if n != longKey {
		return int(n) == len(key) && bytes.Equal(r.Bytes(recKey, int(n)), key)
	}
	blob := slab.Ref(r.U32(recBlob))
	return sh.heap.BlobLen(blob) == len(key) && sh.heap.CompareBlob(blob, key) == 0
}

// HashOf is the hash of a record's key; it makes the shard a dict.Hasher.
func (sh *shard) HashOf(ref uint32) uint64 {
	rec := slab.Ref(ref)
	r := sh.heap.R(rec)
	n := r.U16(recKeyLen)
	if n == longKey {
		return r.U64(recHash)
	}
	return sh.hash.Sum(r.Bytes(recKey, int(n)))
}

// HashSoon has the line fetched that HashOf reads.
func (sh *shard) HashSoon(ref uint32) { sh.heap.R(slab.Ref(ref)).Prefetch(1) }

func (sh *shard) expireAt(rec slab.Ref) int64 { return int64(sh.heap.R(rec).U64(recExpire)) }
