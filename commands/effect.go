package commands

import (
	"math"
	"strconv"
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
// The log is read by Redis, too: effects on its types are commands and options that Redis 7.0 has. A call
// that changed nothing has none.

// effects are those of one call, encoded as requests.
type effects struct {
	bytes []byte
	own   bool // the handler has given some, or said that there are none: the call itself is none
}

// keepEffects is how much room for effects a call leaves behind.
const keepEffects = 64 << 10

func (e *effects) begin() { e.bytes, e.own = e.bytes[:0], false }

func (e *effects) trim() {
	if cap(e.bytes) > keepEffects {
		e.bytes = nil
	}
}

// Changed reports whether the call has changed data.
func (c *Ctx) Changed() bool { return c.changed }

// TakeEffects returns the effects of the call that ran, as requests, of the database that c.DB is turned to: those the
// handler gave, else the call itself if it changed something. They are valid until the next Begin.
func (c *Ctx) TakeEffects() []byte {
	if c.changed && !c.effects.own {
		c.effects.bytes = AppendCommand(c.effects.bytes, c.Args...)
	}
	return c.effects.bytes
}

// Effect is an effect that is being written.
type Effect struct{ to *effects }

// Effect begins an effect of n words, of which name is the first. It is one in place of the call itself; there may
// be several. Without a journal nothing is written.
func (c *Ctx) Effect(n int, name string) Effect {
	if !c.Journal {
		return Effect{}
	}
	e := &c.effects
	e.own = true
	e.bytes = appendLength(e.bytes, '*', n)
	return Effect{e}.Str(name)
}

// NoEffect says that the call is no effect itself.
func (c *Ctx) NoEffect() { c.effects.own = true }

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
	case float64(n) == score && -1e15 < score && score < 1e15:
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
