//go:build !heapalloc

package commands

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Not where the store's pages are on the heap, too.

// goHeap ends the turn, and is what is in use of the Go heap then.
func (k *keyspace) goHeap() int64 {
	k.ctx.End()
	k.ctx.DB.End()
	k.reclaim() // which unlocks the shard
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a call has copied of a large element is not kept when its turn is over.
func TestLargeElementsAreNotKept(t *testing.T) {
	k := newKeyspace(t, packed)
	const size = 32 << 20
	large := bytes.Repeat([]byte("x"), size)
	before := k.goHeap()
	for _, c := range []struct{ put, call string }{
		{"SADD k", "SPOP k"}, {"SADD k", "SRANDMEMBER k"}, {"RPUSH k", "LINDEX k 0"}, {"RPUSH k", "RPOP k"},
		{"RPUSH k", "LMOVE k k LEFT RIGHT"}, {"RPUSH k", "SORT k ALPHA GET w*"}, {"RPUSH k", "LRANGE k 0 -1"},
		{"HSET k f", "HGETALL k"}, {"ZADD k 1", "ZRANGE k 0 -1"}, {"ZADD k 1", "ZPOPMIN k"}, {"SET k", "GET k"},
	} {
		k.call("DEL k")
		k.run(&nullReply{}, append(bytes.Fields([]byte(c.put)), large)...)
		k.run(&nullReply{}, bytes.Fields([]byte(c.call))...)
		if more := k.goHeap() - before; more > size/2 {
			t.Errorf("%s leaves %d bytes behind", c.call, more)
		}
	}
	runtime.KeepAlive(large)
}

// What a search has found, and looked at to find it, is not kept either: hits, of which it has answered one, and members that
// are as far from it as others.
func TestSearchesAreNotKept(t *testing.T) {
	const hits, size, large = 200_000, 32, 32 << 20 // what a hit takes at least, and a member
	k := newKeyspace(t, packed)
	for i := 0; i < hits; i += 1000 {
		call := []byte("GEOADD k")
		for j := range 1000 {
			call = fmt.Appendf(call, " %d.%06d 1 %d", i%7, i+j, i+j)
		}
		k.run(&nullReply{}, bytes.Fields(call)...)
	}
	for _, m := range []string{"x", "y", "z"} {
		k.run(&nullReply{}, append(bytes.Fields([]byte("GEOADD k 100 1")), bytes.Repeat([]byte(m), large))...)
	}
	before := k.goHeap()
	for _, c := range []struct {
		call string
		most int64
	}{
		{"GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 2000 km DESC COUNT 1", hits * size / 2},
		{"GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 2000 km", hits * size / 2},
		{"GEOSEARCH k FROMLONLAT 100 1 BYRADIUS 1 m ASC COUNT 2", large},
		{"HUNT.NEARBY k FROMXY 1 1 BYRADIUS 2000 KM DESC COUNT 1", hits * size / 2},
	} {
		if got := k.call(strings.Replace(c.call, " k ", " none ", 1)); got != "[]" {
			t.Fatalf("%s: %s", c.call, got)
		}
		k.run(&nullReply{}, bytes.Fields([]byte(c.call))...)
		if more := k.goHeap() - before; more > c.most {
			t.Errorf("%s leaves %d bytes behind", c.call, more)
		}
	}
}
