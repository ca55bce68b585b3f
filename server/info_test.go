package server

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// infoArgs adds a directory to what a server is called with, unless it is called with a file.
func infoArgs(t *testing.T, args []string) []string {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return args
	}
	return append([]string{"--dir", t.TempDir()}, args...)
}

// infoServer is a server without a network, for what INFO and CONFIG say of it.
func infoServer(t *testing.T, args ...string) *Server {
	t.Helper()
	cfg, err := config.Load(infoArgs(t, args))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), commands.NewCommandTable())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestInfoSections(t *testing.T) {
	s := infoServer(t)
	const usual = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace"
	const all = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace"
	f := func(asked, want string) {
		t.Helper()
		var got []string
		for line := range strings.Lines(s.Info(strings.Fields(asked))) {
			if name, ok := strings.CutPrefix(line, "# "); ok {
				got = append(got, strings.TrimSuffix(name, "\r\n"))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("INFO %s: %s, want %s", asked, got, want)
		}
	}
	f("", usual)
	f("default", usual)
	f("all", all)
	f("everything", all)
	f("keyspace server", "Server Keyspace")
	f("server server", "Server")
	f("default latencystats", strings.Replace(usual, "Errorstats", "Errorstats Latencystats", 1))
	f("nosuch", "")
	f("nosuch cpu", "CPU")
}

// field is the value of a field of INFO.
func (t infoFields) field(name string) string {
	v, ok := t.fields[name]
	if !ok {
		t.Errorf("INFO has no %s", name)
	}
	return v
}

type infoFields struct {
	*testing.T
	fields map[string]string
}

// parseInfo reads INFO as clients do, and holds its form against the rules.
func parseInfo(t *testing.T, text string) infoFields {
	t.Helper()
	fields := map[string]string{}
	blank := true
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "# ") && blank, line == "":
		case ok && !blank && name != "" && !strings.ContainsAny(line, "\r\n"):
			if _, twice := fields[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			fields[name] = value
		default:
			t.Errorf("a line of INFO is %q", line)
		}
		blank = line == ""
	}
	return infoFields{t, fields}
}

// The fields that drivers, redis-cli, redis_exporter, memtier and RedisInsight look for.
func TestInfoFields(t *testing.T) {
	s := infoServer(t, "--port", "7001", "--maxmemory", "1gb", "--maxclients", "77", "--hz", "20")
	got := parseInfo(t, s.Info([]string{"everything"}))
	for name, want := range map[string]string{
		"redis_version": commands.RedisVersion, "quarry_version": Version, "redis_mode": "standalone", "arch_bits": "64",
		"tcp_port": "7001", "hz": "20", "config_file": "", "maxmemory": "1073741824", "maxmemory_human": "1.00G",
		"maxmemory_policy": "noeviction", "connected_clients": "0", "maxclients": "77", "blocked_clients": "0",
		"loading": "0", "async_loading": "0", "rdb_bgsave_in_progress": "0", "aof_rewrite_in_progress": "0",
		"aof_enabled": "0", "role": "master", "connected_slaves": "0", "master_repl_offset": "0",
		"cluster_enabled": "0", "total_commands_processed": "0", "instantaneous_ops_per_sec": "0",
		"keyspace_hits": "0", "keyspace_misses": "0", "evicted_keys": "0", "expired_keys": "0",
		"clients_in_timeout_table": "0", "lazyfree_pending_objects": "0", "lazyfreed_objects": "0", "used_memory_lua": "0",
		"number_of_cached_scripts": "0", "slave_expires_tracked_keys": "0", "active_defrag_running": "0", "active_defrag_hits": "0",
		"total_watched_keys": "0", "total_blocking_keys": "0", "total_blocking_keys_on_nokey": "0",
		"instantaneous_input_repl_kbps": "0.00", "instantaneous_output_repl_kbps": "0.00",
		"total_eviction_exceeded_time": "0", "current_eviction_exceeded_time": "0",
		"acl_access_denied_auth": "0", "acl_access_denied_cmd": "0", "acl_access_denied_key": "0", "acl_access_denied_channel": "0",
		"active_defrag_misses": "0", "active_defrag_key_hits": "0", "active_defrag_key_misses": "0",
	} {
		if v := got.field(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	for _, name := range []string{
		"process_id", "server_time_usec", "used_memory", "used_memory_rss", "used_memory_peak",
		"total_system_memory", "used_memory_startup", "rdb_last_save_time",
	} {
		if n, err := strconv.ParseInt(got.field(name), 10, 64); err != nil || n <= 0 {
			t.Errorf("%s is %q, want a number above 0", name, got.field(name))
		}
	}
	for _, name := range []string{"used_cpu_sys", "used_cpu_user", "mem_fragmentation_ratio", "allocator_frag_ratio", "instantaneous_input_kbps"} {
		if _, err := strconv.ParseFloat(got.field(name), 64); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"run_id", "master_replid", "master_replid2"} {
		if len(got.field(name)) != 40 {
			t.Errorf("%s is %q, want 40 digits", name, got.field(name))
		}
	}
	for _, name := range []string{"os", "executable", "go_version", "multiplexing_api", "uptime_in_seconds", "lru_clock"} {
		if got.field(name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestInfoCounts(t *testing.T) {
	s := infoServer(t, "--latency-tracking-info-percentiles", "50", "99.9")
	st := s.counters.newLoop()
	zadd, set := s.table.ByName("zadd"), s.table.ByName("config|set")
	st.ran(zadd, 1, 0, 10_000, true)
	st.ran(zadd, 1, 1, 30_500, true)
	st.reject(set)
	st.errorReply([]byte("-OOM no"))
	st.errorReply([]byte("-ERR no"))
	got := parseInfo(t, s.Info([]string{"all"}))
	for name, want := range map[string]string{
		"cmdstat_zadd":                  "calls=2,usec=40,usec_per_call=20.25,rejected_calls=0,failed_calls=1",
		"cmdstat_config|set":            "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0",
		"errorstat_OOM":                 "count=1",
		"errorstat_ERR":                 "count=1",
		"latency_percentiles_usec_zadd": "p50=10.239,p99.9=30.719",
		"total_error_replies":           "2",
		"total_commands_processed":      "2",
	} {
		if v := got.field(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	s.ConfigResetStat()
	got = parseInfo(t, s.Info([]string{"all"}))
	if _, ok := got.fields["cmdstat_zadd"]; ok || got.field("total_commands_processed") != "0" {
		t.Error("CONFIG RESETSTAT left something")
	}
}

func TestInfoKeyspace(t *testing.T) {
	s := infoServer(t)
	now := time.Now().UnixMilli()
	db := s.store.NewDB()
	add := func(index int, key string) {
		t.Helper()
		shard := s.store.ShardOf([]byte(key))
		s.store.Lock(shard)
		defer s.store.Unlock(shard)
		db.Begin(index, now)
		z, err := db.ZSetForWrite([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		z.Add([]byte("m"), 1, 0)
	}
	add(0, "a")
	add(0, "b")
	add(3, "c")
	got := parseInfo(t, s.Info([]string{"keyspace"}))
	if len(got.fields) != 2 || got.field("db0") != "keys=2,expires=0,avg_ttl=0" || got.field("db3") != "keys=1,expires=0,avg_ttl=0" {
		t.Errorf("keyspace %v", got.fields)
	}
}

func TestHumanBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1.00K", 1536: "1.50K", 1 << 20: "1.00M", 18957385728: "17.66G", 1 << 40: "1.00T", 1 << 62: "4096.00P",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestResidentMemory(t *testing.T) {
	if rss, ok := residentMemory(); ok && rss < 1<<20 {
		t.Errorf("resident set of %d bytes", rss)
	}
}

func TestReadRuntime(t *testing.T) {
	before := readRuntime()
	runtime.GC()
	after := readRuntime()
	if after.heap <= 0 || after.memory < 1<<20 || after.memory < after.heap {
		t.Errorf("the runtime has %d bytes, its heap %d", after.memory, after.heap)
	}
	if after.cycles <= before.cycles || after.pauseMaxUS <= 0 || after.pauseMaxUS < before.pauseMaxUS {
		t.Errorf("after a cycle: %+v, before: %+v", after, before)
	}
	got := parseInfo(t, infoServer(t).Info([]string{"memory"}))
	for _, name := range []string{"go_heap_bytes", "gc_cycles", "gc_pause_max_usec"} {
		if n, err := strconv.ParseInt(got.field(name), 10, 64); err != nil || n <= 0 {
			t.Errorf("%s is %q, want a number above 0", name, got.field(name))
		}
	}
}

func TestLongest(t *testing.T) {
	f := func(want float64, counts ...uint64) {
		t.Helper()
		h := &metrics.Float64Histogram{Counts: counts, Buckets: []float64{math.Inf(-1), 0, 1, 2, math.Inf(1)}}
		if got := longest(h); got != want {
			t.Errorf("%v: %v, want %v", counts, got, want)
		}
	}
	f(0, 0, 0, 0, 0)
	f(0, 3, 0, 0, 0)
	f(1, 0, 5, 0, 0)
	f(2, 1, 5, 1, 0)
	f(2, 0, 9, 0, 1)
}

// TestInfoMoves: figures that follow what is going on.
func TestInfoMoves(t *testing.T) {
	s := testServer(t, nil)
	f := func(name, want string) {
		t.Helper()
		if got := parseInfo(t, s.Info(nil)).field(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	s.connect(t).do("BZPOPMIN q 0", "")
	s.connect(t).do("BZPOPMIN q 100", "")
	f("blocked_clients", "2")
	f("clients_in_timeout_table", "1")
	f("total_blocking_keys", "1")
	c := s.connect(t)
	c.send("AUTH nobody x")
	c.send("HELLO 3 AUTH nobody x")
	f("acl_access_denied_auth", "2")
	c.do("ZADD k 1 a", ":1|")
	c.do("ZADD l 1 a", ":1|")
	c.do("FLUSHALL", "+OK|")
	f("lazyfree_pending_objects", "2")
	for s.store.Tick(0) {
	}
	f("lazyfree_pending_objects", "0")
	f("lazyfreed_objects", "2")
	c.do("CONFIG RESETSTAT", "+OK|")
	f("lazyfreed_objects", "0")
}

// TestKeyspaceHits: which commands count a hit or a miss for which keys.
func TestKeyspaceHits(t *testing.T) {
	s := testServer(t, nil)
	c := s.connect(t)
	c.do("ZADD k 1 a", ":1|")
	for _, f := range []struct {
		line string
		want string // hits and misses
	}{
		{"EXISTS k nokey k", "2 1"},
		{"TOUCH k nokey", "1 1"},
		{"TYPE k", "1 0"}, {"TYPE nokey", "0 1"},
		{"TTL k", "1 0"}, {"PTTL nokey", "0 1"}, {"EXPIRETIME k", "1 0"}, {"PEXPIRETIME nokey", "0 1"},
		{"OBJECT ENCODING k", "1 0"}, {"OBJECT IDLETIME nokey", "0 1"}, {"OBJECT FREQ k", "1 0"}, {"OBJECT REFCOUNT k", "1 0"},
		{"ZSCORE k a", "1 0"}, {"ZSCORE nokey a", "0 1"},
		{"COPY k copy", "1 0"}, {"COPY nokey copy", "0 1"},
		{"MEMORY USAGE k", "0 0"}, {"MEMORY USAGE nokey", "0 0"},
		{"EXPIRE k 100", "0 0"}, {"EXPIRE nokey 100", "0 0"}, {"PERSIST k", "0 0"}, {"PERSIST nokey", "0 0"},
		{"RENAME k l", "0 0"}, {"RENAME k l", "0 0"}, {"RENAMENX l copy", "0 0"}, {"RENAMENX l k", "0 0"},
		{"MOVE k 1", "0 0"}, {"MOVE k 1", "0 0"}, {"DEL k copy", "0 0"},
	} {
		s.store.ResetCounters()
		c.send(f.line)
		if n := s.store.Counters(); fmt.Sprint(n.Hits, n.Misses) != f.want {
			t.Errorf("%s: %d hits and %d misses, want %s", f.line, n.Hits, n.Misses, f.want)
		}
	}
}

// Tools ask for INFO every second, and a command holds up its event loop: what is
// large or read from files must not come back into it.
func TestInfoIsSmallWork(t *testing.T) {
	s := infoServer(t)
	st := s.counters.newLoop()
	for _, spec := range s.table.All() {
		st.ran(spec, 100, 0, 100_000, true)
	}
	f := func(section string, most uint64) {
		t.Helper()
		const calls = 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			s.Info([]string{section})
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / calls; got > most {
			t.Errorf("INFO %s allocates %d bytes, want at most %d", section, got, most)
		}
	}
	f("default", 64<<10)
	// A line for each command that ran.
	f("latencystats", 64<<10+uint64(len(s.table.All()))<<10)
}
