package drivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"quarry/tests/harness"
)

// TestGoRedis plays the scenario that the drivers of other languages have in testdata.
func TestGoRedis(t *testing.T) {
	everyServer(t, func(t *testing.T, addr string, protocol int) {
		for _, step := range steps {
			t.Run(step, func(t *testing.T) {
				db := redis.NewClient(&redis.Options{
					Addr: addr, Protocol: protocol, ClientName: "driver-test", MaxRetries: -1, ContextTimeoutEnabled: true,
				})
				defer db.Close() // what it holds means nothing any more
				ctx, cancel := context.WithTimeout(t.Context(), scenarioTime)
				defer cancel()
				p := &goRedis{t, ctx, db}
				p.ok(db.FlushAll(ctx).Result())
				goRedisSteps[step](p)
			})
		}
	})
}

// goRedis is a step's test with its client.
type goRedis struct {
	*testing.T
	ctx context.Context
	*redis.Client
}

var goRedisSteps = map[string]func(p *goRedis){
	"connects": (*goRedis).connects, "strings": (*goRedis).strings, "hashes": (*goRedis).hashes, "sets": (*goRedis).sets,
	"lists": (*goRedis).lists, "zsets": (*goRedis).zsets, "pipeline": (*goRedis).pipeline, "transaction": (*goRedis).transaction,
	"pubsub": (*goRedis).pubsub, "blocking": (*goRedis).blocking, "scans": (*goRedis).scans, "inspects": (*goRedis).inspects, "errors": (*goRedis).errors,
}

// ok ends the step on an error, and hands on the value.
func (p *goRedis) ok(v any, err error) any {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
	return v
}

// wants takes a call's result and returns what compares it.
func (p *goRedis) wants(v any, err error) func(want any) {
	p.Helper()
	p.ok(v, err)
	return func(want any) {
		p.Helper()
		p.equal(v, want)
	}
}

// equal compares in depth; integers of all types are alike.
func (p *goRedis) equal(got, want any) {
	p.Helper()
	if n, isInt := want.(int); isInt {
		want = int64(n)
	}
	if !reflect.DeepEqual(got, want) {
		p.Errorf("got %#v, want %#v", got, want)
	}
}

// none wants the null reply.
func (p *goRedis) none(err error) {
	p.Helper()
	if !errors.Is(err, redis.Nil) {
		p.Errorf("got %v, want no value", err)
	}
}

// refused wants an error that says text.
func (p *goRedis) refused(text string, err error) {
	p.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		p.Errorf("got %v, want an error that says %q", err, text)
	}
}

func sorted(list []string, err error) ([]string, error) {
	slices.Sort(list)
	return list, err
}

func (p *goRedis) connects() {
	info := p.ok(p.Do(p.ctx, "CLIENT", "INFO").Text()).(string)
	p.equal(harness.Field(info, "name"), "driver-test")
	p.equal(harness.Field(info, "resp"), strconv.Itoa(p.Options().Protocol))
	p.wants(p.Ping(p.ctx).Result())("PONG")
	p.wants(p.Echo(p.ctx, "a\r\nb").Result())("a\r\nb")
}

func (p *goRedis) strings() {
	ctx := p.ctx
	p.wants(p.Set(ctx, "name", "ada", 0).Result())("OK")
	p.wants(p.Get(ctx, "name").Result())("ada")
	p.none(p.Get(ctx, "nothing").Err())
	p.none(p.SetArgs(ctx, "name", "bob", redis.SetArgs{Mode: "NX"}).Err())
	p.wants(p.SetArgs(ctx, "name", "bob", redis.SetArgs{Mode: "XX", Get: true}).Result())("ada")
	p.ok(p.Set(ctx, "token", "t", 100*time.Second).Result())
	p.ok(p.Set(ctx, "token", "u", redis.KeepTTL).Result())
	if ttl := p.ok(p.TTL(ctx, "token").Result()).(time.Duration); ttl <= 0 || ttl > 100*time.Second {
		p.Errorf("TTL: %v", ttl)
	}
	p.wants(p.GetEx(ctx, "token", 0).Result())("u") // with PERSIST
	p.wants(p.TTL(ctx, "token").Result())(time.Duration(-1))
	p.wants(p.GetDel(ctx, "token").Result())("u")
	p.ok(p.MSet(ctx, "a", "1", "b", "2").Result())
	p.wants(p.MGet(ctx, "a", "nothing", "b").Result())([]any{"1", nil, "2"})
	p.wants(p.MSetNX(ctx, "b", "3", "c", "3").Result())(false)
	p.wants(p.Incr(ctx, "n").Result())(1)
	p.wants(p.IncrBy(ctx, "n", 41).Result())(42)
	p.wants(p.DecrBy(ctx, "n", 2).Result())(40)
	p.wants(p.IncrByFloat(ctx, "n", 0.5).Result())(40.5)
	p.wants(p.Append(ctx, "log", "one").Result())(3)
	p.wants(p.Append(ctx, "log", ",two").Result())(7)
	p.wants(p.SetRange(ctx, "log", 4, "TWO").Result())(7)
	p.wants(p.GetRange(ctx, "log", -3, -1).Result())("TWO")
	p.wants(p.StrLen(ctx, "log").Result())(7)
	blob := strings.Repeat("\x00\xff\r\n", 64_000)
	p.ok(p.Set(ctx, "blob", blob, 0).Result())
	p.wants(p.Get(ctx, "blob").Result())(blob)
}

func (p *goRedis) hashes() {
	ctx := p.ctx
	p.wants(p.HSet(ctx, "player", "name", "ada", "level", 7, "coins", 10).Result())(3)
	p.wants(p.HSet(ctx, "player", "level", 8).Result())(0)
	p.wants(p.HGet(ctx, "player", "level").Result())("8")
	p.none(p.HGet(ctx, "player", "none").Err())
	p.wants(p.HMGet(ctx, "player", "name", "none").Result())([]any{"ada", nil})
	p.wants(p.HGetAll(ctx, "player").Result())(map[string]string{"name": "ada", "level": "8", "coins": "10"})
	p.wants(p.HGetAll(ctx, "nobody").Result())(map[string]string{})
	p.wants(p.HIncrBy(ctx, "player", "coins", -3).Result())(7)
	p.wants(p.HIncrByFloat(ctx, "player", "coins", 0.25).Result())(7.25)
	p.wants(p.HSetNX(ctx, "player", "name", "bob").Result())(false)
	p.wants(p.HExists(ctx, "player", "name").Result())(true)
	p.wants(p.HDel(ctx, "player", "coins", "none").Result())(1)
	p.wants(p.HLen(ctx, "player").Result())(2)
	p.wants(sorted(p.HKeys(ctx, "player").Result()))([]string{"level", "name"})
	p.wants(sorted(p.HVals(ctx, "player").Result()))([]string{"8", "ada"})
	drawn := p.ok(p.HRandFieldWithValues(ctx, "player", 5).Result()).([]redis.KeyValue)
	slices.SortFunc(drawn, func(a, b redis.KeyValue) int { return strings.Compare(a.Key, b.Key) })
	p.equal(drawn, []redis.KeyValue{{Key: "level", Value: "8"}, {Key: "name", Value: "ada"}})
}

func (p *goRedis) sets() {
	ctx := p.ctx
	p.wants(p.SAdd(ctx, "a", "x", "y", "z").Result())(3)
	p.wants(p.SAdd(ctx, "a", "x").Result())(0)
	p.wants(p.SAdd(ctx, "b", "y", "z", "w").Result())(3)
	p.wants(sorted(p.SMembers(ctx, "a").Result()))([]string{"x", "y", "z"})
	p.wants(p.SMembersMap(ctx, "a").Result())(map[string]struct{}{"x": {}, "y": {}, "z": {}})
	p.wants(p.SIsMember(ctx, "a", "x").Result())(true)
	p.wants(p.SMIsMember(ctx, "a", "x", "w").Result())([]bool{true, false})
	p.wants(sorted(p.SInter(ctx, "a", "b").Result()))([]string{"y", "z"})
	p.wants(sorted(p.SUnion(ctx, "a", "b").Result()))([]string{"w", "x", "y", "z"})
	p.wants(p.SDiff(ctx, "a", "b").Result())([]string{"x"})
	p.wants(p.SInterCard(ctx, 1, "a", "b").Result())(1)
	p.wants(p.SInterStore(ctx, "c", "a", "b").Result())(2)
	p.wants(p.SMove(ctx, "a", "c", "x").Result())(true)
	p.wants(p.SCard(ctx, "c").Result())(3)
	p.wants(p.SRem(ctx, "c", "x", "none").Result())(1)
	p.equal(len(p.ok(p.SRandMemberN(ctx, "c", -9).Result()).([]string)) == 9, true)
	p.wants(sorted(p.SPopN(ctx, "c", 5).Result()))([]string{"y", "z"})
	p.wants(p.Exists(ctx, "c").Result())(0)
	p.none(p.SPop(ctx, "c").Err())
}

func (p *goRedis) lists() {
	ctx := p.ctx
	p.wants(p.RPush(ctx, "l", "b", "c", "d").Result())(3)
	p.wants(p.LPush(ctx, "l", "a").Result())(4)
	p.wants(p.LRange(ctx, "l", 0, -1).Result())([]string{"a", "b", "c", "d"})
	p.wants(p.LIndex(ctx, "l", -1).Result())("d")
	p.wants(p.LInsertBefore(ctx, "l", "c", "bc").Result())(5)
	p.wants(p.LPos(ctx, "l", "bc", redis.LPosArgs{}).Result())(2)
	p.ok(p.LSet(ctx, "l", 2, "x").Result())
	p.wants(p.LRem(ctx, "l", 1, "x").Result())(1)
	p.ok(p.LTrim(ctx, "l", 1, -1).Result())
	p.wants(p.LPop(ctx, "l").Result())("b")
	p.wants(p.RPopCount(ctx, "l", 5).Result())([]string{"d", "c"})
	p.none(p.LPop(ctx, "l").Err())
	p.wants(p.RPush(ctx, "l", "1", "2").Result())(2)
	p.wants(p.LMove(ctx, "l", "m", "RIGHT", "LEFT").Result())("2")
	key, popped, err := p.LMPop(ctx, "LEFT", 1, "none", "m").Result()
	p.wants(key, err)("m")
	p.equal(popped, []string{"2"})
	p.wants(p.Sort(ctx, "l", &redis.Sort{Alpha: true}).Result())([]string{"1"})
}

func (p *goRedis) zsets() {
	ctx := p.ctx
	rows := []redis.Z{{Score: 1.5, Member: "ada"}, {Score: 2, Member: "bob"}, {Score: 2, Member: "cyn"}}
	p.wants(p.ZAdd(ctx, "board", rows...).Result())(3)
	p.wants(p.ZRevRangeWithScores(ctx, "board", 0, 0).Result())([]redis.Z{{Score: 2, Member: "cyn"}})
	p.wants(p.ZIncrBy(ctx, "board", 1, "ada").Result())(2.5)
	p.wants(p.ZRank(ctx, "board", "ada").Result())(2)
	p.none(p.ZScore(ctx, "board", "nobody").Err())
	p.wants(p.ZPopMin(ctx, "board").Result())([]redis.Z{{Score: 2, Member: "bob"}})
}

func (p *goRedis) pipeline() {
	const n = 3000
	replies := p.ok(p.Pipelined(p.ctx, func(q redis.Pipeliner) error {
		for i := range n {
			q.Set(p.ctx, fmt.Sprintf("k:%d", i), i, 0)
			q.Incr(p.ctx, "sum")
		}
		return nil
	})).([]redis.Cmder)
	p.equal(len(replies) == 2*n, true)
	p.wants(replies[2*n-1].(*redis.IntCmd).Result())(n)
	p.wants(p.DBSize(p.ctx).Result())(n + 1)
	// One that fails among others: the others are carried out.
	q := p.Pipeline()
	q.Set(p.ctx, "s", "x", 0)
	bad, get := q.Incr(p.ctx, "s"), q.Get(p.ctx, "s")
	_, err := q.Exec(p.ctx)
	p.refused("not an integer", err)
	p.refused("not an integer", bad.Err())
	p.wants(get.Result())("x")
}

func (p *goRedis) transaction() {
	ctx := p.ctx
	replies := p.ok(p.TxPipelined(ctx, func(q redis.Pipeliner) error {
		q.Set(ctx, "a", 1, 0)
		q.Incr(ctx, "a")
		q.HSet(ctx, "h", "f", "v")
		q.ZAdd(ctx, "z", redis.Z{Score: 1, Member: "m"})
		return nil
	})).([]redis.Cmder)
	for i, want := range []int64{2, 1, 1} {
		p.wants(replies[i+1].(*redis.IntCmd).Result())(want)
	}
	var tries []int
	double := func(tx *redis.Tx) error {
		balance, err := tx.Get(ctx, "a").Int()
		if err != nil {
			return err
		}
		if len(tries) == 0 {
			p.IncrBy(ctx, "a", 100) // by another connection: the first try must not succeed
		}
		tries = append(tries, balance)
		_, err = tx.TxPipelined(ctx, func(q redis.Pipeliner) error {
			q.Set(ctx, "a", balance*2, 0)
			return nil
		})
		return err
	}
	err := p.Watch(ctx, double, "a")
	if !errors.Is(err, redis.TxFailedErr) {
		p.Fatalf("the transaction that came too late: %v", err)
	}
	p.ok(nil, p.Watch(ctx, double, "a"))
	p.equal(tries, []int{2, 102})
	p.wants(p.Get(ctx, "a").Result())("204")
	_, err = p.TxPipelined(ctx, func(q redis.Pipeliner) error {
		q.Set(ctx, "b", 1, 0)
		q.Do(ctx, "GET")
		return nil
	})
	p.refused("EXECABORT", err)
	p.wants(p.Exists(ctx, "b").Result())(0)
}

func (p *goRedis) pubsub() {
	ctx := p.ctx
	listener := p.Subscribe(ctx, "news", "chat")
	defer listener.Close() // the step is over
	p.ok(nil, listener.PSubscribe(ctx, "score:*"))
	for i, name := range []string{"news", "chat", "score:*"} {
		s := p.ok(listener.Receive(ctx)).(*redis.Subscription)
		p.equal(*s, redis.Subscription{Kind: s.Kind, Channel: name, Count: i + 1})
	}
	p.wants(sorted(p.PubSubChannels(ctx, "*").Result()))([]string{"chat", "news"})
	p.wants(p.PubSubNumSub(ctx, "news", "none").Result())(map[string]int64{"news": 1, "none": 0})
	p.wants(p.PubSubNumPat(ctx).Result())(1)
	next := func() redis.Message { return *p.ok(listener.ReceiveMessage(ctx)).(*redis.Message) }
	p.wants(p.Publish(ctx, "news", "hello").Result())(1)
	p.equal(next(), redis.Message{Channel: "news", Payload: "hello"})
	p.wants(p.Publish(ctx, "score:ada", "42").Result())(1)
	p.equal(next(), redis.Message{Channel: "score:ada", Pattern: "score:*", Payload: "42"})
	for i := range 100 {
		p.ok(p.Publish(ctx, "chat", i).Result())
	}
	for i := range 100 {
		p.equal(next(), redis.Message{Channel: "chat", Payload: strconv.Itoa(i)})
	}
	p.ok(nil, listener.Unsubscribe(ctx, "news"))
	p.equal(p.ok(listener.Receive(ctx)).(*redis.Subscription).Count == 2, true)
	p.wants(p.Publish(ctx, "news", "nobody hears").Result())(0)
	p.ok(nil, listener.Ping(ctx, "there?"))
	p.equal(p.ok(listener.Receive(ctx)).(*redis.Pong).Payload, "there?")
	shard := p.SSubscribe(ctx, "shard")
	defer shard.Close()
	p.ok(shard.Receive(ctx))
	p.wants(p.SPublish(ctx, "shard", "s").Result())(1)
	p.equal(p.ok(shard.ReceiveMessage(ctx)).(*redis.Message).Payload, "s")
}

// served is what call answers, which waits until push is called on another connection.
func (p *goRedis) served(push func(), call func() (any, error)) any {
	p.Helper()
	type answer struct {
		v   any
		err error
	}
	come := make(chan answer, 1)
	go func() {
		v, err := call()
		come <- answer{v, err}
	}()
	harness.Eventually(p, "the client waits", func() bool {
		return len(come) == 1 || harness.Field(p.ok(p.Info(p.ctx, "clients").Result()).(string), "blocked_clients") == "1"
	})
	push()
	a := <-come
	return p.ok(a.v, a.err)
}

func (p *goRedis) blocking() {
	ctx := p.ctx
	p.equal(p.served(func() { p.RPush(ctx, "q", "job", "next") },
		func() (any, error) { return p.BLPop(ctx, 0, "none", "q").Result() }), []string{"q", "job"})
	p.wants(p.LRange(ctx, "q", 0, -1).Result())([]string{"next"})
	p.wants(p.BRPop(ctx, time.Second, "q").Result())([]string{"q", "next"})
	p.equal(p.served(func() { p.LPush(ctx, "src", "moved") },
		func() (any, error) { return p.BLMove(ctx, "src", "dst", "LEFT", "RIGHT", 0).Result() }), "moved")
	p.wants(p.LRange(ctx, "dst", 0, -1).Result())([]string{"moved"})
	p.equal(p.served(func() { p.RPush(ctx, "m", "1", "2") }, func() (any, error) {
		key, list, err := p.BLMPop(ctx, 0, "LEFT", 5, "none", "m").Result()
		return append([]string{key}, list...), err
	}), []string{"m", "1", "2"})
	p.equal(p.served(func() { p.ZAdd(ctx, "z", redis.Z{Score: 7, Member: "ada"}) },
		func() (any, error) { return p.BZPopMin(ctx, 0, "z").Result() }),
		&redis.ZWithKey{Key: "z", Z: redis.Z{Score: 7, Member: "ada"}})
	p.none(p.Do(ctx, "BLPOP", "nothing", 0.01).Err())
}

func (p *goRedis) scans() {
	const n = 1000
	p.ok(p.Pipelined(p.ctx, func(q redis.Pipeliner) error {
		for i := range n {
			q.Set(p.ctx, fmt.Sprintf("key:%d", i), i, 0)
			q.HSet(p.ctx, "h", fmt.Sprintf("f%d", i), i)
			q.SAdd(p.ctx, "s", fmt.Sprintf("m%d", i))
			q.ZAdd(p.ctx, "z", redis.Z{Score: float64(i), Member: fmt.Sprintf("m%d", i)})
		}
		return nil
	}))
	keys := p.all(p.Scan(p.ctx, 0, "key:*", 50).Iterator())
	slices.Sort(keys)
	p.equal(len(slices.Compact(keys)) == n, true)
	p.equal(p.all(p.ScanType(p.ctx, 0, "", 50, "hash").Iterator()), []string{"h"})
	fields, members, scores := map[string]string{}, map[string]bool{}, map[string]string{}
	for i := range n {
		number := strconv.Itoa(i)
		fields["f"+number], members["m"+number], scores["m"+number] = number, true, number
	}
	p.equal(pairsOf(p.all(p.HScan(p.ctx, "h", 0, "", 30).Iterator())), fields)
	p.equal(pairsOf(p.all(p.ZScan(p.ctx, "z", 0, "", 30).Iterator())), scores)
	p.equal(setOf(p.all(p.SScan(p.ctx, "s", 0, "", 30).Iterator())), members)
	maps.DeleteFunc(members, func(m string, _ bool) bool { return !strings.HasPrefix(m, "m99") })
	p.equal(setOf(p.all(p.SScan(p.ctx, "s", 0, "m99*", 30).Iterator())), members)
}

// all lists what an iterator finds.
func (p *goRedis) all(it *redis.ScanIterator) []string {
	p.Helper()
	var found []string
	for it.Next(p.ctx) {
		found = append(found, it.Val())
	}
	p.ok(nil, it.Err())
	return found
}

// pairsOf makes a map of a list in which what is named and its value alternate.
func pairsOf(list []string) map[string]string {
	m := map[string]string{}
	for i := 1; i < len(list); i += 2 {
		m[list[i-1]] = list[i]
	}
	return m
}

func setOf(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

func (p *goRedis) inspects() {
	ctx := p.ctx
	p.refused("WRONGPASS", p.Do(ctx, "AUTH", "nobody", "x").Err())
	log := p.ok(p.ACLLog(ctx, 5).Result()).([]*redis.ACLLogEntry)
	p.equal([]any{len(log), log[0].Reason, log[0].Object, log[0].Username, log[0].ClientInfo.Name},
		[]any{1, "auth", "AUTH", "nobody", "driver-test"})
	p.wants(p.ACLLogReset(ctx).Result())("OK")
	p.wants(p.ACLWhoAmI(ctx).Result())("default")
	p.wants(p.ACLUsers(ctx).Result())([]string{"default"})
	p.wants(p.ACLList(ctx).Result())([]string{"user default on nopass ~* &* +@all"})
	p.wants(p.ACLDryRun(ctx, "default", "GET", "a").Result())("OK")
	p.equal(slices.Contains(p.ok(p.ACLCatArgs(ctx, &redis.ACLCatArgs{Category: "sortedset"}).Result()).([]string), "zadd"), true)
	p.equal(len(p.ok(p.ACLGenPass(ctx, 128).Result()).(string)) == 32, true)
	zadd := p.ok(p.Command(ctx).Result()).(map[string]*redis.CommandInfo)["zadd"]
	p.equal([]any{zadd.Arity, zadd.FirstKeyPos, zadd.LastKeyPos, zadd.StepCount}, []any{int8(-4), int8(1), int8(1), int8(1)})
	p.wants(sorted(p.CommandList(ctx, &redis.FilterBy{Pattern: "zpop*"}).Result()))([]string{"zpopmax", "zpopmin"})
	p.wants(p.CommandGetKeys(ctx, "MSET", "a", 1, "b", 2).Result())([]string{"a", "b"})
	p.wants(p.CommandGetKeysAndFlags(ctx, "GET", "a").Result())([]redis.KeyFlags{{Key: "a", Flags: []string{"RO", "access"}}})
	p.wants(p.Do(ctx, "MODULE", "LIST").Slice())([]any{})
	p.wants(p.ConfigGet(ctx, "maxmemory-p*").Result())(map[string]string{"maxmemory-policy": "noeviction"})
	p.equal(strings.Contains(p.ok(p.ClientList(ctx).Result()).(string), " name=driver-test "), true)
}

func (p *goRedis) errors() {
	ctx := p.ctx
	p.ok(p.Set(ctx, "s", "text", 0).Result())
	p.refused("WRONGTYPE", p.LPush(ctx, "s", "x").Err())
	p.refused("WRONGTYPE", p.HGet(ctx, "s", "f").Err())
	p.refused("not an integer", p.Incr(ctx, "s").Err())
	p.refused("unknown command", p.Do(ctx, "NOSUCH").Err())
	p.refused("wrong number of arguments", p.Do(ctx, "GET").Err())
	p.refused("syntax error", p.Do(ctx, "SET", "s", "v", "WHAT").Err())
	p.refused("without MULTI", p.Do(ctx, "EXEC").Err())
	p.refused("out of range", p.Do(ctx, "SELECT", "99").Err())
	p.ok(p.Set(ctx, "n", "9223372036854775807", 0).Result())
	p.refused("overflow", p.Incr(ctx, "n").Err())
	p.wants(p.Get(ctx, "s").Result())("text")
}
