package rdb_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
	"quarry/tests/harness"
)

// redisContents is all that a Redis server has, as withoutEncoding says it.
func redisContents(t testing.TB, c *harness.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for db := range 16 {
		c.Do("SELECT", strconv.Itoa(db))
		for _, key := range c.Do("KEYS", "*").Strings() {
			all[fmt.Sprintf("%d:%s", db, key)] = redisDescribe(c, key)
		}
	}
	return all
}

func redisDescribe(c *harness.Client, key string) string {
	var list []string
	switch typ := c.Do("TYPE", key).Text(); typ {
	case "string":
		if text := c.Do("GET", key).Text(); text != "" {
			list = []string{quote(text)}
		}
	case "list":
		for _, s := range c.Do("LRANGE", key, "0", "-1").Strings() {
			list = append(list, quote(s))
		}
	case "set":
		for _, m := range c.Do("SMEMBERS", key).Strings() {
			list = append(list, quote(m)+`=""`)
		}
		slices.Sort(list)
	case "hash":
		for pair := range slices.Chunk(c.Do("HGETALL", key).Strings(), 2) {
			list = append(list, quote(pair[0])+"="+quote(pair[1]))
		}
		slices.Sort(list)
	case "zset":
		v := c.Do("ZRANGE", key, "0", "-1", "WITHSCORES").Strings()
		for i := 0; i < len(v); i += 2 {
			score, _ := strconv.ParseFloat(v[i+1], 64)
			list = append(list, fmt.Sprintf("%s=%v", quote(v[i]), score))
		}
	default:
		list = []string{"type " + typ}
	}
	until := c.Do("PEXPIRETIME", key).Text()
	if until == "-1" {
		until = "0"
	}
	return "until " + until + ", : " + strings.Join(list, " ")
}

// startWith starts a Redis server on a file, and waits until it has loaded it.
func startWith(t testing.TB, file []byte, args ...string) *harness.Client {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	c := harness.StartRedis(t, append([]string{"--dir", dir}, args...)...).Dial(t)
	for c.Do("DBSIZE").IsError() { // -LOADING
	}
	return c
}

// TestRedisLoads: redis-server loads what is saved, and redis-check-rdb has nothing to say.
func TestRedisLoads(t *testing.T) {
	from := newStore(t, store.Options{Shards: 4, Seed: 1})
	fill(from, true)
	for _, o := range []rdb.SaveOptions{{}, {Compress: true, Checksum: true, AOFBase: true, Uses: rdb.Idle, CTimeUnix: 1, UsedMemory: 2,
		Aux: []rdb.Aux{{Name: "redis-ver", Value: "7.4.0"}, {Name: "quarry-ver", Value: "0"}}}, {Checksum: true, Uses: rdb.Freq}} {
		file := save(t, from, o)
		name := filepath.Join(t.TempDir(), "dump.rdb")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := harness.Command(t, "redis-check-rdb", name); !strings.Contains(out, "RDB looks OK") {
			t.Errorf("redis-check-rdb says\n%s", out)
		}
		c := startWith(t, file)
		checkEqual(t, redisContents(t, c), withoutEncoding(contents(from)))
	}
}

// TestLoadsRedis: what redis-server saves is loaded, whatever its limits of encodings, and goes back to it.
func TestLoadsRedis(t *testing.T) {
	from := newStore(t, store.Options{Shards: 4, Seed: 1})
	fill(from, true)
	want := withoutEncoding(contents(from))
	file := save(t, from, rdb.SaveOptions{Compress: true})
	for _, args := range [][]string{
		{},
		{"--rdbcompression", "no", "--rdbchecksum", "no"},
		{"--maxmemory-policy", "allkeys-lru", "--list-max-listpack-size", "1"},
		{"--maxmemory-policy", "allkeys-lfu", "--list-max-listpack-size", "1000", "--list-compress-depth", "1"},
		{"--hash-max-listpack-entries", "100000", "--hash-max-listpack-value", "100000", "--zset-max-listpack-entries", "100000",
			"--zset-max-listpack-value", "100000", "--set-max-intset-entries", "100000"},
		{"--hash-max-listpack-entries", "0", "--zset-max-listpack-entries", "0", "--set-max-intset-entries", "0"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			c := startWith(t, file, args...)
			c.Want("OK", "SAVE")
			saved, err := os.ReadFile(filepath.Join(c.Do("CONFIG", "GET", "dir").Strings()[1], "dump.rdb"))
			if err != nil {
				t.Fatal(err)
			}
			to := newStore(t, store.Options{Shards: 2, Seed: 1})
			stats, err := rdb.Load(bytes.NewReader(saved), to, rdb.LoadOptions{NowMS: nowMS, Workers: 2, Size: int64(len(saved))})
			if err != nil || stats.Keys != int64(len(want)) {
				t.Fatalf("%+v, %v", stats, err)
			}
			checkEqual(t, withoutEncoding(contents(to)), want)
		})
	}
}

// TestDumpAndRestore: payloads go from one to the other, both ways.
func TestDumpAndRestore(t *testing.T) {
	from := newStore(t, store.Options{Shards: 4, Seed: 1})
	fill(from, true)
	c := harness.StartRedis(t).Dial(t)
	to := newStore(t, store.Options{Shards: 2, Seed: 1})
	for db := range from.Databases() {
		c.Do("SELECT", strconv.Itoa(db))
		err := from.Walk(db, nowMS, func(e *store.Entry) error {
			key := string(e.Key())
			payload, err := rdb.Dump(e, db > 0, 1<<30)
			if err != nil {
				t.Error(err)
			}
			c.Want("OK", "RESTORE", key, strconv.FormatInt(e.ExpireAt(), 10), string(payload), "ABSTTL")
			back := []byte(c.Do("DUMP", key).Text())
			run(to, db, func(d *store.DB) {
				o := rdb.RestoreOptions{ExpireAtMS: e.ExpireAt(), Using: store.UsedNow()}
				if err := rdb.Restore(d, []byte(key), back, o); err != nil {
					t.Errorf("%.80q: %v", key, err)
				}
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := withoutEncoding(contents(from))
	checkEqual(t, redisContents(t, c), want)
	checkEqual(t, withoutEncoding(contents(to)), want)
}

// TestRedisMigrates: Redis' MIGRATE sends keys to a server that has DUMP's counterpart.
func TestRedisMigrates(t *testing.T) {
	from := newStore(t, store.Options{Shards: 4, Seed: 1})
	for key, make := range values() {
		if !strings.HasPrefix(key, "bloom") && !strings.HasPrefix(key, "field") {
			run(from, 0, func(d *store.DB) { make(d, []byte(key)) })
		}
	}
	redis := startWith(t, save(t, from, rdb.SaveOptions{}))
	server := harness.Start(t, harness.Options{})
	host, port, _ := net.SplitHostPort(server.Addr)
	redis.Want("OK", append([]string{"MIGRATE", host, port, "", "0", "60000", "COPY", "KEYS"}, redis.Do("KEYS", "*").Strings()...)...)
	want := withoutEncoding(contents(from))
	checkEqual(t, redisContents(t, server.Dial(t)), want)

	redis.Want("OK", append([]string{"MIGRATE", host, port, "", "3", "60000", "REPLACE", "KEYS"}, redis.Do("KEYS", "*").Strings()...)...)
	if n := redis.Do("DBSIZE").Text(); n != "0" {
		t.Errorf("%s keys are left", n)
	}
	for key, value := range want {
		want["3:"+key[len("0:"):]] = value
	}
	checkEqual(t, redisContents(t, server.Dial(t)), want)
}
