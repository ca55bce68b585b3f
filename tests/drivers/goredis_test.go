package drivers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"quarry/tests/harness"
)

// withGoRedis runs a test with a go-redis client for each front end and protocol.
func withGoRedis(t *testing.T, test func(ctx context.Context, t *testing.T, db *redis.Client), args ...string) {
	for _, frontEnd := range harness.FrontEnds() {
		for _, proto := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s/RESP%d", frontEnd, proto), func(t *testing.T) {
				s := harness.Start(t, harness.Options{FrontEnd: frontEnd, Args: args})
				db := redis.NewClient(&redis.Options{
					Addr: s.Addr, Protocol: proto, ClientName: "driver-test", DB: 3, MaxRetries: -1,
					Password: password(args), ContextTimeoutEnabled: true,
				})
				defer func() {
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				}()
				test(t.Context(), t, db)
			})
		}
	}
}

// password is the one that the server's directives ask for.
func password(args []string) string {
	if i := slices.Index(args, "--requirepass"); i >= 0 {
		return args[i+1]
	}
	return ""
}

// must ends the test on an error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// What the driver says when it connects is understood: protocol, password,
// name, database, its own name and version.
func TestGoRedisConnects(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		info := must[string](t)(db.Do(ctx, "CLIENT", "INFO").Text())
		for field, want := range map[string]string{"name": "driver-test", "db": "3"} {
			if got := harness.Field(info, field); got != want {
				t.Errorf("CLIENT INFO shows %s=%s, want %s", field, got, want)
			}
		}
		if name := harness.Field(info, "lib-name"); !strings.HasPrefix(name, "go-redis") {
			t.Errorf("CLIENT INFO shows lib-name=%s", name)
		}
		if got := must[string](t)(db.ClientGetName(ctx).Result()); got != "driver-test" {
			t.Errorf("CLIENT GETNAME: %q", got)
		}
	}, "--requirepass", "open sesame")
}

func TestGoRedisSortedSets(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		rows := []redis.Z{{Score: 1.5, Member: "ada"}, {Score: 2, Member: "bob"}, {Score: 2, Member: "cyn"}, {Score: -3, Member: "dan"}}
		if n := must[int64](t)(db.ZAdd(ctx, "board", rows...).Result()); n != 4 {
			t.Errorf("ZADD: %d", n)
		}
		top := must[[]redis.Z](t)(db.ZRevRangeWithScores(ctx, "board", 0, 1).Result())
		if !slices.Equal(top, []redis.Z{{Score: 2, Member: "cyn"}, {Score: 2, Member: "bob"}}) {
			t.Errorf("top: %v", top)
		}
		if rank := must[redis.RankScore](t)(db.ZRankWithScore(ctx, "board", "bob").Result()); rank != (redis.RankScore{Rank: 2, Score: 2}) {
			t.Errorf("ZRANK WITHSCORE: %v", rank)
		}
		if _, err := db.ZRank(ctx, "board", "nobody").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("ZRANK of nobody: %v", err)
		}
		if s := must[float64](t)(db.ZIncrBy(ctx, "board", 0.1, "ada").Result()); s != 1.6 {
			t.Errorf("ZINCRBY: %v", s)
		}
		args := redis.ZRangeArgs{Key: "board", Start: "+inf", Stop: "(-3", ByScore: true, Rev: true, Count: 1}
		if got := must[[]string](t)(db.ZRangeArgs(ctx, args).Result()); !slices.Equal(got, []string{"cyn"}) {
			t.Errorf("ZRANGE BYSCORE REV LIMIT: %v", got)
		}
		if popped := must[[]redis.Z](t)(db.ZPopMin(ctx, "board", 2).Result()); len(popped) != 2 || popped[0].Member != "dan" {
			t.Errorf("ZPOPMIN: %v", popped)
		}
		store := &redis.ZStore{Keys: []string{"board", "none"}, Weights: []float64{10, 1}}
		if got := must[[]redis.Z](t)(db.ZUnionWithScores(ctx, *store).Result()); len(got) != 2 || got[1] != (redis.Z{Score: 20, Member: "cyn"}) {
			t.Errorf("ZUNION: %v", got)
		}
		if key, left, err := db.ZMPop(ctx, "max", 5, "none", "board").Result(); err != nil || key != "board" || len(left) != 2 {
			t.Errorf("ZMPOP: %s %v %v", key, left, err)
		}
	})
}

func TestGoRedisPipelines(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		const n = 5000
		replies, err := db.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range n {
				p.ZAdd(ctx, "board", redis.Z{Score: float64(i), Member: i})
			}
			return nil
		})
		if err != nil || len(replies) != n {
			t.Fatalf("%d replies, %v", len(replies), err)
		}
		if card := must[int64](t)(db.ZCard(ctx, "board").Result()); card != n {
			t.Errorf("ZCARD: %d", card)
		}
	})
}

func TestGoRedisIterates(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		const n = 700
		for i := range n {
			must[int64](t)(db.ZAdd(ctx, fmt.Sprintf("board:%d", i%50), redis.Z{Score: float64(i), Member: fmt.Sprint(i)}).Result())
			must[int64](t)(db.ZAdd(ctx, "big", redis.Z{Score: float64(i), Member: fmt.Sprint(i)}).Result())
		}
		keys := map[string]bool{}
		for it := db.Scan(ctx, 0, "board:*", 7).Iterator(); it.Next(ctx); {
			keys[it.Val()] = true
		}
		if len(keys) != 50 {
			t.Errorf("SCAN finds %d keys", len(keys))
		}
		members := map[string]string{}
		it := db.ZScan(ctx, "big", 0, "", 10).Iterator()
		for it.Next(ctx) {
			member := it.Val()
			if !it.Next(ctx) {
				t.Fatal("a member without a score")
			}
			members[member] = it.Val()
		}
		if err := it.Err(); err != nil || len(members) != n || members["42"] != "42" {
			t.Errorf("ZSCAN finds %d members, %v", len(members), err)
		}
	})
}

func TestGoRedisBlocks(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		// BZPopMin itself knows whole seconds only.
		if err := db.Do(ctx, "BZPOPMIN", "queue", 0.01).Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("BZPOPMIN of nothing: %v", err)
		}
		served := make(chan string, 1)
		go func() {
			row, err := db.BZPopMin(ctx, 0, "none", "queue").Result()
			if err != nil {
				served <- err.Error()
				return
			}
			served <- fmt.Sprintf("%s %v %v", row.Key, row.Member, row.Score)
		}()
		harness.Eventually(t, "the client waits", func() bool {
			return harness.Field(must[string](t)(db.Info(ctx, "clients").Result()), "blocked_clients") == "1"
		})
		must[int64](t)(db.ZAdd(ctx, "queue", redis.Z{Score: 7, Member: "ada"}).Result())
		if got := <-served; got != "queue ada 7" {
			t.Errorf("served: %s", got)
		}
	})
}

func TestGoRedisKeys(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		must[int64](t)(db.ZAdd(ctx, "board", redis.Z{Score: 1, Member: "ada"}).Result())
		must[bool](t)(db.Expire(ctx, "board", time.Hour).Result())
		if ttl := must[time.Duration](t)(db.TTL(ctx, "board").Result()); ttl <= 0 || ttl > time.Hour {
			t.Errorf("TTL: %v", ttl)
		}
		must[string](t)(db.Rename(ctx, "board", "season:1").Result())
		must[int64](t)(db.Copy(ctx, "season:1", "season:2", 3, false).Result())
		if n := must[int64](t)(db.Exists(ctx, "season:1", "season:2", "board").Result()); n != 2 {
			t.Errorf("EXISTS: %d", n)
		}
		if e := must[string](t)(db.ObjectEncoding(ctx, "season:2").Result()); e != "listpack" {
			t.Errorf("OBJECT ENCODING: %s", e)
		}
		if u := must[int64](t)(db.MemoryUsage(ctx, "season:2").Result()); u <= 0 {
			t.Errorf("MEMORY USAGE: %d", u)
		}
		if c := must[map[string]string](t)(db.ConfigGet(ctx, "databases").Result()); c["databases"] != "16" {
			t.Errorf("CONFIG GET: %v", c)
		}
		if commands := must[map[string]*redis.CommandInfo](t)(db.Command(ctx).Result()); commands["zadd"].FirstKeyPos != 1 {
			t.Errorf("COMMAND: %+v", commands["zadd"])
		}
		must[string](t)(db.FlushDB(ctx).Result())
		if n := must[int64](t)(db.DBSize(ctx).Result()); n != 0 {
			t.Errorf("DBSIZE: %d", n)
		}
	})
}

func TestGoRedisBloom(t *testing.T) {
	withGoRedis(t, func(ctx context.Context, t *testing.T, db *redis.Client) {
		options := &redis.BFReserveOptions{Capacity: 1000, Error: 0.001, Expansion: 4}
		must[string](t)(db.BFReserveWithArgs(ctx, "found", options).Result())
		if !must[bool](t)(db.BFAdd(ctx, "found", "chest:1").Result()) || must[bool](t)(db.BFExists(ctx, "found", "chest:2").Result()) {
			t.Error("BFAdd, BFExists")
		}
		if v := must[[]bool](t)(db.BFMAdd(ctx, "found", "chest:1", "chest:2").Result()); !slices.Equal(v, []bool{false, true}) {
			t.Errorf("BFMAdd: %v", v)
		}
		if v := must[[]bool](t)(db.BFInsert(ctx, "new", &redis.BFInsertOptions{Capacity: 50, NonScaling: true}, "a", "b").Result()); !slices.Equal(v, []bool{true, true}) {
			t.Errorf("BFInsert: %v", v)
		}
		if v := must[[]bool](t)(db.BFMExists(ctx, "found", "chest:2", "chest:3").Result()); !slices.Equal(v, []bool{true, false}) {
			t.Errorf("BFMExists: %v", v)
		}
		if n := must[int64](t)(db.BFCard(ctx, "found").Result()); n != 2 {
			t.Errorf("BFCard: %d", n)
		}
		info := must[redis.BFInfo](t)(db.BFInfo(ctx, "found").Result())
		if info.Capacity != 1000 || info.Filters != 1 || info.ItemsInserted != 2 || info.ExpansionRate != 4 || info.Size < 1000 {
			t.Errorf("BFInfo: %+v", info)
		}
		if info := must[redis.BFInfo](t)(db.BFInfoItems(ctx, "found").Result()); info.ItemsInserted != 2 {
			t.Errorf("BFInfoItems: %+v", info)
		}
	})
}
