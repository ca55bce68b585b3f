package crash

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"quarry/tests/harness"
)

// step is what a writer does at once: a call or, if there are several, a transaction.
type step [][]string

// encode appends the step's commands as they are sent.
func (s step) encode(dst []byte) []byte {
	if len(s) == 1 {
		return harness.AppendCommand(dst, s[0]...)
	}
	dst = harness.AppendCommand(dst, "MULTI")
	for _, call := range s {
		dst = harness.AppendCommand(dst, call...)
	}
	return harness.AppendCommand(dst, "EXEC")
}

// replies is how many there are to it.
func (s step) replies() int {
	if len(s) == 1 {
		return 1
	}
	return len(s) + 2
}

// Types of keys, which their names end in.
const (
	kindString  = "string"
	kindCounter = "counter" // only ever grows
	kindList    = "list"
	kindQueue   = "queue" // another list
	kindHash    = "hash"
	kindSet     = "set"
	kindZSet    = "zset"
	kindBoard   = "board" // another sorted set
	kindGeo     = "geo"
	kindBig     = "big" // strings of some 100 KB
	kindField   = "field"
	kindBloom   = "bloom"
)

// redisKinds are those that redis-server has, too.
var redisKinds = []string{kindString, kindCounter, kindList, kindQueue, kindHash, kindSet, kindZSet, kindBoard, kindGeo, kindBig}

// allKinds are all.
var allKinds = append(redisKinds[:len(redisKinds):len(redisKinds)], kindField, kindBloom)

// farMS is a moment that no test sees; there are some more after it.
const farMS = 4e12

// maker makes random calls for the keys of one writer.
type maker struct {
	*rand.Rand
	prefix string
	kinds  []string
}

func (m maker) key(kind string) string { return m.prefix + kind }

func (m maker) number(n int) string { return strconv.Itoa(m.IntN(n)) }

// item is one of few names.
func (m maker) item() string { return "item:" + m.number(300) }

func (m maker) items(most int) (list []string) {
	for range 1 + m.IntN(most) {
		list = append(list, m.item())
	}
	return list
}

// quarters is a number that Redis prints as Quarry does.
func (m maker) quarters() string { return strconv.FormatFloat(float64(m.IntN(4000))/4, 'f', -1, 64) }

// text is of up to most bytes, of all values.
func (m maker) text(most int) string {
	b := make([]byte, m.IntN(most+1))
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return string(b)
}

func (m maker) far() string { return strconv.FormatInt(farMS+int64(m.IntN(1000))*1e9, 10) }

// step is a random one: mostly a call, if transactions are wanted several.
func (m maker) step(transaction bool) step {
	n := 1
	if transaction {
		n = 2 + m.IntN(6)
	}
	s := make(step, n)
	for i := range s {
		s[i] = m.call()
	}
	return s
}

// call is a random one, whose effect is the same whenever it happens, and whose size has bounds.
func (m maker) call() []string {
	if m.IntN(12) == 0 {
		return m.keyCall()
	}
	kind := m.kinds[m.IntN(len(m.kinds))]
	calls := callsOf[kind]
	c := calls[m.IntN(len(calls))](m)
	return append([]string{c[0], m.key(kind)}, c[1:]...)
}

// keyCall is about keys as a whole.
func (m maker) keyCall() []string {
	kind := m.kinds[m.IntN(len(m.kinds))]
	if kind == kindCounter {
		return []string{"MSET", m.key(kindString), m.text(20), m.key(kindBig), m.text(20)}
	}
	key := m.key(kind)
	switch m.IntN(16) {
	case 9:
		return []string{"BLPOP", m.key(kindList), m.key(kindQueue), "0.001"}
	case 10:
		return []string{"BZPOPMAX", m.key(kindGeo), m.key(kindZSet), "0.001"}
	case 0:
		return []string{"DEL", key, m.key(kindString)}
	case 1:
		return []string{"PEXPIREAT", key, m.far()}
	case 2:
		return []string{"EXPIRE", key, "-1"}
	case 3:
		return []string{"PERSIST", key}
	case 4:
		return []string{"RENAME", m.key(kindList), m.key(kindQueue)}
	case 5:
		return []string{"COPY", m.key(kindZSet), m.key(kindBoard), "REPLACE"}
	case 6:
		return []string{"ZUNIONSTORE", m.key(kindBoard), "2", m.key(kindZSet), m.key(kindGeo), "AGGREGATE", "MAX"}
	case 7:
		return []string{"SORT", m.key(kindSet), "ALPHA", "STORE", m.key(kindQueue)}
	case 8:
		return []string{"BLMOVE", m.key(kindList), m.key(kindQueue), "LEFT", "RIGHT", "0.001"}
	}
	return []string{"PEXPIREAT", key, m.far()}
}

// callsOf are calls for a key of a kind, without the key.
var callsOf = map[string][]func(m maker) []string{
	kindString: {
		func(m maker) []string { return []string{"SET", m.text(60)} },
		func(m maker) []string { return []string{"SET", m.text(60), "PXAT", m.far()} },
		func(m maker) []string { return []string{"SET", m.number(1000), "NX"} },
		func(m maker) []string { return []string{"SET", m.text(9), "XX", "KEEPTTL", "GET"} },
		func(m maker) []string { return []string{"SETRANGE", m.number(80), m.text(5)} },
		func(maker) []string { return []string{"GETDEL"} },
	},
	kindCounter: {
		func(maker) []string { return []string{"INCR"} },
		func(m maker) []string { return []string{"INCRBY", m.number(5)} },
	},
	kindList: listCalls, kindQueue: listCalls,
	kindHash: {
		func(m maker) []string { return []string{"HSET", m.item(), m.text(30), m.item(), m.number(100)} },
		func(m maker) []string { return []string{"HSETNX", m.item(), m.text(200)} },
		func(m maker) []string { return []string{"HINCRBY", "n" + m.number(9), m.number(100)} },
		func(m maker) []string { return []string{"HINCRBYFLOAT", "f" + m.number(9), m.quarters()} },
		func(m maker) []string { return append([]string{"HDEL"}, m.items(5)...) },
	},
	kindSet: {
		func(m maker) []string { return append([]string{"SADD"}, m.items(8)...) },
		func(m maker) []string { return []string{"SADD", m.number(500), m.number(500)} },
		func(m maker) []string { return append([]string{"SREM"}, m.items(8)...) },
	},
	kindZSet: zsetCalls, kindBoard: zsetCalls,
	kindGeo: {
		func(m maker) []string { return []string{"GEOADD", m.number(180), m.number(85), m.item()} },
		func(m maker) []string {
			return []string{"GEOADD", "CH", "0." + m.number(1000), m.number(80), m.item(), "1.5", "2.5", m.item()}
		},
		func(m maker) []string { return append([]string{"ZREM"}, m.items(3)...) },
	},
	kindBig: {
		func(m maker) []string { return []string{"SET", strings.Repeat(m.text(9), m.IntN(20_000))} },
		func(m maker) []string { return []string{"APPEND", m.text(100)} },
		func(m maker) []string { return []string{"SET", m.text(10)} },
		func(m maker) []string { return []string{"SETRANGE", m.number(100_000), m.text(9)} },
	},
	kindField: {
		func(m maker) []string { return append([]string{"HUNT.PUT"}, m.places(5)...) },
		func(m maker) []string {
			return append([]string{"HUNT.PUT", "PXAT", m.far(), "FIELDS", "2", "hp", m.number(100), "gold", m.number(9),
				"TAGS", "1", "team", m.number(3), "PAYLOAD", m.text(300)}, m.places(2)...)
		},
		func(m maker) []string { return append([]string{"HUNT.PUT", "XX", "CH", "KEEPTTL"}, m.places(3)...) },
		func(m maker) []string { return append([]string{"HUNT.DEL"}, m.items(4)...) },
	},
	kindBloom: {
		func(m maker) []string { return []string{"BF.RESERVE", "0.00001", "1" + m.number(50)} },
		func(m maker) []string {
			return append([]string{"BF.INSERT", "CAPACITY", "20", "ERROR", "0.00001", "ITEMS"}, m.items(9)...)
		},
		func(m maker) []string {
			return append([]string{"BF.INSERT", "CAPACITY", "20", "ERROR", "0.00001", "ITEMS"}, m.items(2)...)
		},
	},
}

var listCalls = []func(m maker) []string{
	func(m maker) []string { return append([]string{"RPUSH"}, m.items(6)...) },
	func(m maker) []string { return []string{"LPUSH", m.text(30), m.number(1000)} },
	func(m maker) []string { return []string{"LPOP", m.number(4)} },
	func(maker) []string { return []string{"RPOP"} },
	func(m maker) []string { return []string{"LREM", "1", m.item()} },
	func(maker) []string { return []string{"LTRIM", "0", "200"} },
	func(m maker) []string { return []string{"LINSERT", "BEFORE", m.item(), m.text(5)} },
}

var zsetCalls = []func(m maker) []string{
	func(m maker) []string { return []string{"ZADD", m.number(1000), m.item()} },
	func(m maker) []string {
		return []string{"ZADD", "GT", "CH", m.number(1000), m.item(), m.number(9), m.item()}
	},
	func(m maker) []string { return []string{"ZINCRBY", m.quarters(), m.item()} },
	func(m maker) []string { return append([]string{"ZREM"}, m.items(4)...) },
	func(m maker) []string { return []string{"ZPOPMIN", m.number(3)} },
	func(m maker) []string { return []string{"ZREMRANGEBYRANK", "250", "-1"} },
}

// places are coordinates and members.
func (m maker) places(most int) (words []string) {
	for range 1 + m.IntN(most) {
		words = append(words, fmt.Sprint(m.Float64()*1000), m.number(1000), m.item())
	}
	return words
}
