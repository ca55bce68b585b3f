package commands

import (
	"math"
	"strconv"

	"quarry/store"
	"quarry/store/zset"
)

// What a command changed is logged as its effects: commands that do the same again, whenever they are run and
// whoever runs them. Most commands are their own effect. Those whose outcome depends on the time, on chance, on a
// waiting client or on the arithmetic of the machine say instead what came out:
//
//	EXPIRE k 10          PEXPIREAT k 1700000010000
//	SPOP k               SREM k member
//	INCRBYFLOAT k 0.1    SET k 3.1 KEEPTTL
//	BLPOP k 0            LPOP k
//
// The log is read by Redis, too: effects on its types are commands and options that Redis 7.0 has, and mean the same
// there; what Redis computes in another way, such as which members lie in a polygon, is logged as what came out. Nor
// may an effect depend on an encoding, a hash, or the thresholds that the log is read with. A call that changed nothing has none.
//
// Where the log is read no time passes (store.DB.Timeless), and Ctx.NowMS is 0: so a time in the past is none that has
// come there, and what it has brought about here is an effect of its own.

// effects are those of one call, encoded as requests.
type effects struct {
	bytes []byte // beginWhole, if anything, comes first
	count int
	own   bool // the handler has given some: the call itself is none
}

// What several effects of a call that is in no transaction have around them.
const (
	beginWhole = "*1\r\n$5\r\nMULTI\r\n"
	endWhole   = "*1\r\n$4\r\nEXEC\r\n"
)

// keepEffects is how much room for effects a call leaves behind.
const keepEffects = 64 << 10

func (e *effects) begin() { e.bytes, e.count, e.own = e.bytes[:0], 0, false }

func (e *effects) trim() {
	if cap(e.bytes) > keepEffects {
		e.bytes = nil
	}
}

// next begins an effect of n words.
func (e *effects) next(n int) {
	if e.count == 0 {
		e.bytes = append(e.bytes[:0], beginWhole...)
	}
	e.count++
	e.bytes = appendLength(e.bytes, '*', n)
}

// Changed reports whether the call has changed data.
func (c *Ctx) Changed() bool { return c.changed }

// TakeEffects returns the effects of the call that ran, as requests, of the database that c.DB is turned to: those the
// handler gave, else the call itself if it changed something. They are valid until the next Begin.
func (c *Ctx) TakeEffects() []byte {
	e := &c.effects
	if c.changed && !e.own && e.count == 0 {
		e.next(len(c.Args))
		for _, arg := range c.Args {
			e.bytes = appendWord(e.bytes, arg)
		}
	}
	if e.count == 0 {
		return nil
	}
	return e.bytes[len(beginWhole):]
}

// TakeWhole is TakeEffects for a call that is in no transaction: several effects are one.
func (c *Ctx) TakeWhole() []byte {
	effects := c.TakeEffects()
	if c.effects.count > 1 {
		c.effects.bytes = append(c.effects.bytes, endWhole...)
		return c.effects.bytes
	}
	return effects
}

// Effect is an effect that is being written.
type Effect struct{ to *effects }

// Effect begins an effect of n words, of which name is the first. It is one in place of the call itself; there may
// be several. Without a journal nothing is written.
func (c *Ctx) Effect(n int, name string) Effect {
	if !c.Journal {
		return Effect{}
	}
	c.effects.own = true
	c.effects.next(n)
	return Effect{&c.effects}.Str(name)
}

// itself adds the call as an effect, beside others.
func (c *Ctx) itself() { c.Effect(len(c.Args), c.Spec.Name).All(c.Args[1:]) }

// effectWords is about how many words an effect has that tells of what may be of any size.
const effectWords = 512

// setEffects are the effects of a sorted set's having taken the place of what was at key.
func (c *Ctx) setEffects(key []byte, z *zset.Set) {
	if !c.Journal {
		return
	}
	c.Effect(2, "DEL").Bytes(key)
	left := z.Len()
	if left == 0 {
		return
	}
	c.iter.Seek(z, 0, false)
	for ; left > 0; left -= effectWords / 2 {
		n := min(left, effectWords/2)
		e := c.Effect(2+2*n, "ZADD").Bytes(key)
		for ; n > 0 && c.iter.Next(); n-- {
			e.Score(c.iter.Score()).Bytes(c.iter.Member())
		}
	}
}

// listEffects are the effects of a list's having taken the place of what was at key.
func (c *Ctx) listEffects(key []byte, l *store.List) {
	if !c.Journal {
		return
	}
	c.Effect(2, "DEL").Bytes(key)
	left := l.Len()
	c.elements.Seek(&l.List, 0, left, false)
	for ; left > 0; left -= effectWords {
		n := min(left, effectWords)
		e := c.Effect(2+n, "RPUSH").Bytes(key)
		for ; n > 0 && c.elements.Next(); n-- {
			e.Bytes(c.elements.Value())
		}
	}
}

// Bytes adds a word.
func (e Effect) Bytes(word []byte) Effect {
	if e.to != nil {
		e.to.bytes = appendWord(e.to.bytes, word)
	}
	return e
}

// Str adds a word.
func (e Effect) Str(word string) Effect {
	if e.to != nil {
		b := appendLength(e.to.bytes, '$', len(word))
		b = append(b, word...)
		e.to.bytes = append(b, "\r\n"...)
	}
	return e
}

// Int adds a number.
func (e Effect) Int(n int64) Effect {
	if e.to != nil {
		var room [20]byte
		e.to.bytes = appendWord(e.to.bytes, strconv.AppendInt(room[:0], n, 10))
	}
	return e
}

// Score adds a score: the shortest text that is read back as the same.
func (e Effect) Score(score float64) Effect {
	if e.to != nil {
		var room [32]byte
		e.to.bytes = appendWord(e.to.bytes, appendScore(room[:0], score))
	}
	return e
}

// appendScore appends the shortest text that is read back as the same number, by Redis, too.
func appendScore(dst []byte, score float64) []byte {
	switch n := int64(score); {
	case math.IsInf(score, 0):
		return strconv.AppendFloat(dst, score, 'g', -1, 64) // +Inf: any case is read
	case float64(n) == score && -1<<53 <= n && n <= 1<<53:
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendFloat(dst, score, 'g', -1, 64)
}

// All adds words.
func (e Effect) All(words [][]byte) Effect {
	for _, word := range words {
		e.Bytes(word)
	}
	return e
}

// AppendCommand appends a request: an array of bulk strings.
func AppendCommand(dst []byte, args ...[]byte) []byte {
	dst = appendLength(dst, '*', len(args))
	for _, arg := range args {
		dst = appendWord(dst, arg)
	}
	return dst
}

func appendWord(dst, word []byte) []byte {
	dst = appendLength(dst, '$', len(word))
	dst = append(dst, word...)
	return append(dst, '\r', '\n')
}

func appendLength(dst []byte, mark byte, n int) []byte {
	dst = append(dst, mark)
	if n < 10 {
		return append(dst, '0'+byte(n), '\r', '\n')
	}
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}
