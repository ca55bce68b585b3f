//go:build !heapalloc

package commands

import (
	"bytes"
	"runtime"
	"testing"
)

// Not where the store's pages are on the heap, too.

// What a call has copied of a large element is not kept when its turn is over.
func TestLargeElementsAreNotKept(t *testing.T) {
	k := newKeyspace(t, packed)
	const size = 32 << 20
	large := bytes.Repeat([]byte("x"), size)
	heap := func() int64 {
		k.ctx.End()
		k.ctx.DB.End()
		k.reclaim() // which unlocks the shard
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for _, c := range []struct{ put, call string }{
		{"SADD k", "SPOP k"}, {"SADD k", "SRANDMEMBER k"}, {"RPUSH k", "LINDEX k 0"}, {"RPUSH k", "RPOP k"},
		{"RPUSH k", "LMOVE k k LEFT RIGHT"}, {"RPUSH k", "SORT k ALPHA GET w*"}, {"RPUSH k", "LRANGE k 0 -1"},
		{"HSET k f", "HGETALL k"}, {"ZADD k 1", "ZRANGE k 0 -1"}, {"ZADD k 1", "ZPOPMIN k"}, {"SET k", "GET k"},
	} {
		k.call("DEL k")
		k.run(&nullReply{}, append(bytes.Fields([]byte(c.put)), large)...)
		k.run(&nullReply{}, bytes.Fields([]byte(c.call))...)
		if more := heap() - before; more > size/2 {
			t.Errorf("%s leaves %d bytes behind", c.call, more)
		}
	}
	runtime.KeepAlive(large)
}
