package commands

import (
	"fmt"
	"strings"
	"testing"

	"quarry/store"
)

// eventLog is an observer that writes down what it is told.
type eventLog []string

func (l *eventLog) Modified(db int, class Class, event string, key []byte) {
	*l = append(*l, fmt.Sprintf("%s@%d %s", event, db, key))
}
func (l *eventLog) Flushing(d *store.DB, db int) { *l = append(*l, fmt.Sprintf("flushing %d", db)) }
func (l *eventLog) Swapping(d *store.DB, a, b int) {
	*l = append(*l, fmt.Sprintf("swapping %d %d", a, b))
}

// TestEvents: which events commands report, in which order, and that those which
// change nothing report none. The events are those that a redis-server publishes.
func TestEvents(t *testing.T) {
	k := newKeyspace(t, packed)
	var log eventLog
	k.ctx.Observer, k.ctx.Host, k.ctx.Client = &log, &fakeHost{table: k.table}, &fakeClient{}
	k.ctx.NowMS = 1
	for _, c := range [][2]string{
		{"ZADD k 1 a", "zadd@0 k"},
		{"ZADD k 1 a", ""},
		{"ZADD k NX 2 a", ""},
		{"ZADD k 2 a 3 b", "zadd@0 k"},
		{"ZADD k INCR 1 a", "zincr@0 k"},
		{"ZADD k NX INCR 1 a", ""},
		{"ZINCRBY k 0 a", ""},
		{"ZINCRBY k 1 a", "zincr@0 k"},
		{"ZINCRBY k x a", ""},
		{"ZREM k nobody", ""},
		{"ZREM k b nobody", "zrem@0 k"},
		{"ZREM k a", "zrem@0 k, del@0 k"},
		{"ZADD k 1 a 2 b 3 c 4 d", "zadd@0 k"},
		{"ZREMRANGEBYRANK k 0 0", "zremrangebyrank@0 k"},
		{"ZREMRANGEBYRANK k 9 9", ""},
		{"ZREMRANGEBYSCORE k 2 2", "zremrangebyscore@0 k"},
		{"ZREMRANGEBYLEX k - +", "zremrangebylex@0 k, del@0 k"},
		{"ZADD k 1 a 2 b 3 c 4 d 5 e", "zadd@0 k"},
		{"ZPOPMIN k", "zpopmin@0 k"},
		{"ZPOPMAX k 1", "zpopmax@0 k"},
		{"ZPOPMIN k 0", ""},
		{"ZMPOP 2 none k MIN COUNT 1", "zpopmin@0 k"},
		{"BZPOPMIN none k 0", "zpopmin@0 k"},
		{"BZMPOP 0 1 k MAX COUNT 9", "zpopmax@0 k, del@0 k"},
		{"ZADD k 1 a 2 b", "zadd@0 k"},
		{"ZRANGESTORE d k 0 -1", "zrangestore@0 d"},
		{"ZRANGESTORE d k 5 6", "del@0 d"},
		{"ZRANGESTORE d k 5 6", ""},
		{"ZUNIONSTORE d 1 k", "zunionstore@0 d"},
		{"ZINTERSTORE d 1 none", "del@0 d"},
		{"ZINTERSTORE d 1 none", ""},
		{"ZINTERSTORE d 1 k", "zinterstore@0 d"},
		{"ZDIFFSTORE d 1 k", "zdiffstore@0 d"},
		{"ZDIFFSTORE d 2 k k", "del@0 d"},
		{"EXPIRE k 100", "expire@0 k"},
		{"EXPIRE k 100 NX", ""},
		{"PEXPIRE k 100000", "expire@0 k"},
		{"EXPIREAT k 99999999999", "expire@0 k"},
		{"PERSIST k", "persist@0 k"},
		{"PERSIST k", ""},
		{"EXPIRE none 100", ""},
		{"COPY k d", "copy_to@0 d"},
		{"COPY k d", ""},
		{"COPY k d REPLACE", "copy_to@0 d"},
		{"COPY k d DB 3", "copy_to@3 d"},
		{"RENAME k k", ""},
		{"RENAME k d", "rename_from@0 k, rename_to@0 d"},
		{"RENAMENX d k", "rename_from@0 d, rename_to@0 k"},
		{"RENAMENX k k", ""},
		{"MOVE k 4", "move_from@0 k, move_to@4 k"},
		{"MOVE k 4", ""},
		{"ZADD k 1 a", "zadd@0 k"},
		{"MOVE k 4", ""},
		{"DEL k d none k", "del@0 k"},
		{"ZADD k 1 a", "zadd@0 k"},
		{"UNLINK k none", "del@0 k"},
		{"ZADD k 1 a", "zadd@0 k"},
		{"EXPIRE k -1", "del@0 k"},
		{"ZADD k 1 a", "zadd@0 k"},
		{"PEXPIREAT k 1", "del@0 k"},
		{"ZADD k 1 a", "zadd@0 k"},
		{"TOUCH k", ""},
		{"FLUSHDB", "flushing 0"},
		{"FLUSHDB", "flushing 0"},
		{"SWAPDB 0 1", "swapping 0 1"},
		{"SWAPDB 1 1", ""},
	} {
		log = nil
		k.call(c[0])
		if got := strings.Join(log, ", "); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}
