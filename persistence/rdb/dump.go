package rdb

import (
	"encoding/binary"
	"errors"

	"quarry/store"
)

// A payload of DUMP is a value as it lies in a file, with its type, and what it is proven by:
//
//	u8 type | value | u16 version | u64 checksum of all before
const footSize = 10

// Why a payload is refused. Nothing has changed then.
var (
	// ErrChecksum: its version is not known, or its checksum is not that of what is there.
	ErrChecksum = errors.New("DUMP payload version or checksum are wrong")
	// ErrFormat: it says no value.
	ErrFormat = errors.New("bad data format")
)

// ErrTooLarge: a payload would be longer than it may be.
var ErrTooLarge = errors.New("the value is too large for a payload")

// Dump is the payload that says an entry's value, without its key, expiry and use, if that takes no more than about max bytes, else
// ErrTooLarge.
func Dump(e *store.Entry, compress bool, max int64) ([]byte, error) {
	w := writer{compress: compress, max: int(max)}
	defer w.done()
	w.byte(codeOf(e.Type()))
	w.value(e)
	w.room()
	w.u16(writeVersion)
	w.u64(checksum(0, w.buf))
	return w.buf, w.err
}

// CheckDump says whether a payload has the length, the version and the checksum of one: nil or ErrChecksum.
func CheckDump(payload []byte) error {
	if len(payload) < footSize {
		return ErrChecksum
	}
	foot := payload[len(payload)-footSize:]
	version := int(binary.LittleEndian.Uint16(foot))
	if !readable(version, false) && !readable(version, true) {
		return ErrChecksum
	}
	if sum := binary.LittleEndian.Uint64(foot[2:]); sum != checksum(0, payload[:len(payload)-8]) {
		return ErrChecksum
	}
	return nil
}

// RestoreOptions are RESTORE's.
type RestoreOptions struct {
	ExpireAtMS int64 // 0: never
	Using      store.Using
	Replace    bool // what is there
	Check      bool // the payload is checked, and nothing is put in place
}

// Restore makes the value that a payload says that of a key in d's database, whose shard is locked. The payload may be anything. It fails with
// ErrChecksum, ErrFormat, store.ErrExists or store.ErrOOM, and has changed nothing then.
func Restore(d *store.DB, key, payload []byte, o RestoreOptions) error {
	if err := CheckDump(payload); err != nil {
		return err
	}
	b := builder{s: d.Store(), d: d, maker: d.Maker(), replace: o.Replace, dry: o.Check}
	defer b.discard()
	var c chunk
	var failed error
	dec := decoder{out: &c}
	dec.buf = payload[:len(payload)-footSize]
	dec.w = len(dec.buf)
	dec.room = d.Store().Room
	dec.pass = func() {
		if failed == nil {
			failed = b.apply(&c)
		}
		if failed != nil {
			dec.fail(failed)
		}
		c.reset()
	}
	form, ok := layoutOf(dec.byte())
	if !ok {
		return ErrFormat
	}
	dec.begin(key, entry{typ: form.typ, expireAt: o.ExpireAtMS, using: o.Using})
	form.read(&dec)
	if dec.err == nil && dec.r < dec.w {
		dec.fail(ErrFormat)
	}
	if dec.err == nil {
		dec.cur.last = true
		dec.pass()
	}
	switch {
	case dec.err == nil:
		return nil
	case errors.Is(dec.err, store.ErrOOM):
		return store.ErrOOM
	case errors.Is(dec.err, store.ErrExists):
		return store.ErrExists
	}
	return ErrFormat
}
