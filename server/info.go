package server

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"quarry/commands"
	"quarry/server/config"
)

// Version is Quarry's own.
const Version = "0.1.0"

// birth is what is settled when a server is made.
type birth struct {
	at         time.Time
	runID      string
	replID     string
	executable string
	system     string // name, release, processor
	machine    int64  // the machine's memory in bytes
	memory     int64  // in use before there was any data
}

func newBirth() birth {
	executable, _ := os.Executable() // "" where the system does not tell
	return birth{
		at: time.Now(), runID: randomHex(), replID: randomHex(), executable: executable,
		system: systemName(), machine: config.MachineMemory(), memory: readRuntime().memory,
	}
}

// randomHex is 160 random bits, the form of Redis' ids.
func randomHex() string {
	var id [20]byte
	rand.Read(id[:]) // never fails: see its documentation
	return hex.EncodeToString(id[:])
}

// infoSection is a section of INFO. Those that are extra are shown only when
// asked for by name, or by all or everything.
type infoSection struct {
	name  string
	extra bool
	write func(s *Server, t *infoText)
}

// infoSections are the sections in Redis' order. The fields have Redis' names
// where they mean the same here; what belongs to features that Quarry has not (scripts,
// forks, defragmentation, swap) is left out, unless tools need to find it.
var infoSections = []infoSection{
	{name: "Server", write: (*Server).infoServer},
	{name: "Clients", write: (*Server).infoClients},
	{name: "Memory", write: (*Server).infoMemory},
	{name: "Persistence", write: (*Server).infoPersistence},
	{name: "Stats", write: (*Server).infoStats},
	{name: "Replication", write: (*Server).infoReplication},
	{name: "CPU", write: (*Server).infoCPU},
	{name: "Modules", write: func(*Server, *infoText) {}},
	{name: "Commandstats", extra: true, write: (*Server).infoCommandstats},
	{name: "Errorstats", write: (*Server).infoErrorstats},
	{name: "Latencystats", extra: true, write: (*Server).infoLatencystats},
	{name: "Cluster", write: func(_ *Server, t *infoText) { t.add("cluster_enabled", 0) }},
	{name: "Keyspace", write: (*Server).infoKeyspace},
}

// Info is the text of INFO.
func (s *Server) Info(sections []string) string {
	all := slices.Contains(sections, "all") || slices.Contains(sections, "everything")
	usual := len(sections) == 0 || slices.Contains(sections, "default")
	var t infoText
	for _, section := range infoSections {
		if all || usual && !section.extra || slices.Contains(sections, strings.ToLower(section.name)) {
			t.begin(section.name)
			section.write(s, &t)
		}
	}
	return t.String()
}

// infoText is a text of "name:value" lines under "# Section" heads.
type infoText struct{ strings.Builder }

func (t *infoText) begin(section string) {
	if t.Len() > 0 {
		t.WriteString("\r\n")
	}
	t.WriteString("# " + section + "\r\n")
}

func (t *infoText) add(name string, value any) { fmt.Fprintf(t, "%s:%v\r\n", name, value) }

// addBytes adds an amount of memory, and in a line of its own as people read it.
func (t *infoText) addBytes(name string, n int64) {
	t.add(name, n)
	t.add(name+"_human", humanBytes(n))
}

// addRatio adds "<name>_ratio", a to b, and "<name>_bytes", a minus b.
func (t *infoText) addRatio(name string, a, b int64) {
	t.add(name+"_ratio", ratio(a, b))
	t.add(name+"_bytes", a-b)
}

func ratio(a, b int64) string { return fixed(quotient(a, b), 2) }

func percent(a, b int64) string { return fixed(100*quotient(a, b), 2) + "%" }

// quotient is a by b, or by 1 if there is nothing of b.
func quotient(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }

func fixed(f float64, decimals int) string { return strconv.FormatFloat(f, 'f', decimals, 64) }

// humanBytes writes an amount of memory as INFO's _human fields have it: 1.50M.
func humanBytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + "B"
	}
	f, unit := float64(n)/1024, 0
	for f >= 1024 && unit < len("KMGTP")-1 {
		f, unit = f/1024, unit+1
	}
	return fixed(f, 2) + "KMGTP"[unit:unit+1]
}

func (s *Server) infoServer(t *infoText) {
	b, now := &s.counters.birth, time.Now()
	uptime := int64(now.Sub(b.at).Seconds())
	t.add("redis_version", commands.RedisVersion)
	t.add("redis_git_sha1", "00000000")
	t.add("redis_git_dirty", 0)
	t.add("redis_build_id", 0)
	t.add("redis_mode", "standalone")
	t.add("quarry_version", Version)
	t.add("os", b.system)
	t.add("arch_bits", strconv.IntSize)
	t.add("multiplexing_api", s.frontEnd())
	t.add("go_version", runtime.Version())
	t.add("process_id", os.Getpid())
	t.add("process_supervised", "no")
	t.add("run_id", b.runID)
	t.add("tcp_port", s.cfg.Port.Load())
	t.add("server_time_usec", now.UnixMicro())
	t.add("uptime_in_seconds", uptime)
	t.add("uptime_in_days", uptime/(24*60*60))
	t.add("hz", s.cfg.HZ.Load())
	t.add("configured_hz", s.cfg.HZ.Load())
	t.add("lru_clock", now.Unix()&(1<<24-1))
	t.add("executable", b.executable)
	t.add("config_file", s.cfg.File())
	t.add("io_threads_active", 0)
}

// frontEnd names what waits for connections to become readable.
func (s *Server) frontEnd() string {
	if _, ok := s.transport.(*redconFront); ok {
		return "goroutines"
	}
	return "epoll"
}

func (s *Server) infoClients(t *infoText) {
	u := s.clientUse()
	t.add("connected_clients", u.count)
	t.add("cluster_connections", 0)
	t.add("maxclients", s.cfg.MaxClients.Load())
	t.add("client_recent_max_input_buffer", u.maxInput)
	t.add("client_recent_max_output_buffer", u.maxOutput)
	t.add("blocked_clients", s.blocked.Load()+u.paused)
	t.add("clients_in_timeout_table", u.timed)
	t.add("tracking_clients", 0)
	t.add("pubsub_clients", s.pubsub.clients.Load())
	t.add("watching_clients", s.watching.Load())
	t.add("total_watched_keys", s.watchedKeys.Load())
	t.add("total_blocking_keys", s.blockingKeys.Load())
	t.add("total_blocking_keys_on_nokey", 0)
	s.infoPause(t)
}

// infoPause tells of CLIENT PAUSE.
func (s *Server) infoPause(t *infoText) {
	reason, actions := "none", "none"
	switch s.pause.mode.Load() {
	case writesPaused:
		reason, actions = "client_pause", "write"
	case allPaused:
		reason, actions = "client_pause", "all"
	}
	t.add("paused_reason", reason)
	t.add("paused_actions", actions)
	t.add("paused_timeout_milliseconds", s.remaining())
}

// clientUse is what the clients take.
type clientUse struct {
	count               int
	timed               int   // parked, with a timeout
	paused              int64 // with a command that is postponed
	bytes               int64
	maxInput, maxOutput int64
}

func (s *Server) clientUse() (u clientUse) {
	for _, client := range s.clients.all() {
		input, output := client.view.inputCap.Load(), client.view.unsent.Load()
		u.count++
		if p := client.parked.Load(); p != nil && p.timed {
			u.timed++
		}
		if client.paused.Load() {
			u.paused++
		}
		u.bytes += sessionBytes + input + output + client.view.argv.Load() + client.view.multiBytes.Load()
		u.maxInput = max(u.maxInput, input)
		u.maxOutput = max(u.maxOutput, output)
	}
	return u
}

// runtimeUse is what the Go runtime says of itself. Reading it stops nobody.
type runtimeUse struct {
	memory     int64 // bytes it has from the system and has not given back
	heap       int64 // bytes of objects on the heap, live or not swept yet
	cycles     uint64
	pauseMaxUS int64 // the longest stop of the garbage collector, rounded up as a histogram has it
}

func readRuntime() runtimeUse {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(samples)
	return runtimeUse{
		memory:     int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()),
		heap:       int64(samples[2].Value.Uint64()),
		cycles:     samples[3].Value.Uint64(),
		pauseMaxUS: int64(math.Ceil(longest(samples[4].Value.Float64Histogram()) * 1e6)),
	}
}

// longest is where the highest bucket ends that has a value, or where it begins
// if it has no end; 0 if there are none.
func longest(h *metrics.Float64Histogram) float64 {
	for i, n := range slices.Backward(h.Counts) {
		if n > 0 && math.IsInf(h.Buckets[i+1], 1) {
			return h.Buckets[i]
		} else if n > 0 {
			return h.Buckets[i+1]
		}
	}
	return 0
}

// infoMemory counts as used what data, Go's heap and stacks, and connections
// take; maxmemory is about data alone.
func (s *Server) infoMemory(t *infoText) {
	m := s.memoryUse()
	rt := &m.runtime
	t.addBytes("used_memory", m.used)
	t.addBytes("used_memory_rss", m.rss)
	t.addBytes("used_memory_peak", m.peak)
	t.add("used_memory_peak_perc", percent(m.used, m.peak))
	t.add("used_memory_overhead", m.used-m.Live)
	t.add("used_memory_startup", m.startup)
	t.add("used_memory_dataset", m.Live)
	t.add("used_memory_dataset_perc", percent(m.Live, m.used-m.startup))
	t.add("used_memory_keys", m.Keys)
	t.addBytes("used_memory_runtime", rt.memory)
	t.add("used_memory_lua", 0)
	t.add("number_of_cached_scripts", 0)
	t.add("go_heap_bytes", rt.heap)
	t.add("gc_cycles", rt.cycles)
	t.add("gc_pause_max_usec", rt.pauseMaxUS)
	t.add("allocator_allocated", m.Live)
	t.add("allocator_active", m.Used)
	t.add("allocator_resident", m.Used+m.Free)
	t.addBytes("total_system_memory", s.counters.birth.machine)
	t.addBytes("maxmemory", m.MaxMemory)
	t.add("maxmemory_policy", s.cfg.MaxMemoryPolicy.Load())
	t.addRatio("allocator_frag", m.Used, m.Live)
	t.addRatio("allocator_rss", m.Used+m.Free, m.Used)
	t.addRatio("rss_overhead", m.rss, m.Used+m.Free)
	t.add("mem_fragmentation_ratio", ratio(m.rss, m.used))
	t.add("mem_fragmentation_bytes", m.rss-m.used)
	t.add("mem_not_counted_for_evict", 0)
	t.add("mem_replication_backlog", 0)
	t.add("mem_total_replication_buffers", 0)
	t.add("mem_clients_slaves", 0)
	t.add("mem_clients_normal", m.clients)
	t.add("mem_cluster_links", 0)
	t.add("mem_aof_buffer", 0)
	t.add("mem_allocator", "quarry-slab")
	t.add("active_defrag_running", 0)
	t.add("lazyfree_pending_objects", s.store.Flushed())
	t.add("lazyfreed_objects", s.store.Counters().LazyFreed)
}

func (s *Server) infoStats(t *infoText) {
	k, data := s.counters, s.store.Counters()
	sum, rate := k.total(), k.perSecond()
	t.add("total_connections_received", k.connections.Load())
	t.add("total_commands_processed", sum.calls)
	t.add("instantaneous_ops_per_sec", int64(rate[0]))
	t.add("total_net_input_bytes", sum.in)
	t.add("total_net_output_bytes", sum.out)
	t.add("total_net_repl_input_bytes", 0)
	t.add("total_net_repl_output_bytes", 0)
	t.add("instantaneous_input_kbps", fixed(rate[1]/1024, 2))
	t.add("instantaneous_output_kbps", fixed(rate[2]/1024, 2))
	t.add("instantaneous_input_repl_kbps", fixed(0, 2))
	t.add("instantaneous_output_repl_kbps", fixed(0, 2))
	t.add("rejected_connections", k.rejected.Load())
	t.add("sync_full", 0)
	t.add("sync_partial_ok", 0)
	t.add("sync_partial_err", 0)
	t.add("expired_keys", data.ExpiredKeys)
	t.add("evicted_keys", 0)
	t.add("evicted_clients", 0)
	t.add("total_eviction_exceeded_time", 0)
	t.add("current_eviction_exceeded_time", 0)
	t.add("keyspace_hits", data.Hits)
	t.add("keyspace_misses", data.Misses)
	t.add("pubsub_channels", s.PubSubTopics(commands.Channels))
	t.add("pubsub_patterns", s.PubSubTopics(commands.Patterns))
	t.add("pubsubshard_channels", s.PubSubTopics(commands.ShardChannels))
	t.add("latest_fork_usec", 0)
	t.add("total_forks", 0)
	t.add("migrate_cached_sockets", 0)
	t.add("slave_expires_tracked_keys", 0)
	t.add("active_defrag_hits", 0)
	t.add("active_defrag_misses", 0)
	t.add("active_defrag_key_hits", 0)
	t.add("active_defrag_key_misses", 0)
	t.add("tracking_total_keys", 0)
	t.add("tracking_total_items", 0)
	t.add("tracking_total_prefixes", 0)
	t.add("unexpected_error_replies", s.damage.panics.Load())
	t.add("total_error_replies", total(sum.errors))
	t.add("total_reads_processed", sum.reads)
	t.add("total_writes_processed", sum.writes)
	t.add("io_threaded_reads_processed", 0)
	t.add("io_threaded_writes_processed", 0)
	t.add("client_query_buffer_limit_disconnections", k.queryOverflows.Load())
	t.add("client_output_buffer_limit_disconnections", k.overflows.Load())
	t.add("acl_access_denied_auth", k.denied.total.Load())
	t.add("acl_access_denied_cmd", 0)
	t.add("acl_access_denied_key", 0)
	t.add("acl_access_denied_channel", 0)
	t.add("shards_closed_to_writes", s.damage.count.Load())
}

func total(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// infoReplication is what a master without replicas says.
func (s *Server) infoReplication(t *infoText) {
	t.add("role", "master")
	t.add("connected_slaves", 0)
	t.add("master_failover_state", "no-failover")
	t.add("master_replid", s.counters.birth.replID)
	t.add("master_replid2", strings.Repeat("0", 40))
	t.add("master_repl_offset", 0)
	t.add("second_repl_offset", -1)
	t.add("repl_backlog_active", 0)
	t.add("repl_backlog_size", 0)
	t.add("repl_backlog_first_byte_offset", 0)
	t.add("repl_backlog_histlen", 0)
}

func (s *Server) infoCPU(t *infoText) {
	for _, who := range []struct {
		suffix string
		which  int
	}{{"", syscall.RUSAGE_SELF}, {"_children", syscall.RUSAGE_CHILDREN}} {
		var use syscall.Rusage
		if syscall.Getrusage(who.which, &use) == nil {
			t.add("used_cpu_sys"+who.suffix, seconds(use.Stime))
			t.add("used_cpu_user"+who.suffix, seconds(use.Utime))
		}
	}
}

func seconds(t syscall.Timeval) string { return fixed(float64(t.Nano())/1e9, 6) }

// usedCommands lists the commands that have been called or refused, by name.
func (s *Server) usedCommands(sum *stats) []*commands.Spec {
	var list []*commands.Spec
	for i, c := range sum.commands {
		if spec := s.table.All()[i]; c.calls+c.rejected > 0 && !spec.Has(commands.Hidden) {
			list = append(list, spec)
		}
	}
	slices.SortFunc(list, func(a, b *commands.Spec) int { return strings.Compare(a.FullName(), b.FullName()) })
	return list
}

func (s *Server) infoCommandstats(t *infoText) {
	sum := s.counters.total()
	for _, spec := range s.usedCommands(sum) {
		c := &sum.commands[spec.Index()]
		us := float64(c.ns) / 1000
		t.add("cmdstat_"+spec.FullName(), fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			c.calls, int64(us), us/float64(max(c.calls, 1)), c.rejected, c.failed))
	}
}

func (s *Server) infoErrorstats(t *infoText) {
	errors := s.counters.total().errors
	codes := make([]string, 0, len(errors))
	for code := range errors {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		t.add("errorstat_"+code, fmt.Sprintf("count=%d", errors[code]))
	}
}

func (s *Server) infoLatencystats(t *infoText) {
	sum := s.counters.total()
	percentiles := s.cfg.LatencyTrackingInfoPercentiles.Load()
	var times histogram // one after the other: each is some kilobytes
	for _, spec := range s.usedCommands(sum) {
		s.counters.times(spec, &times)
		if times.total == 0 {
			continue
		}
		var values []string
		for _, p := range percentiles {
			values = append(values, fmt.Sprintf("p%s=%.3f", strconv.FormatFloat(p, 'f', -1, 64), float64(times.percentile(p))/1000))
		}
		t.add("latency_percentiles_usec_"+spec.FullName(), strings.Join(values, ","))
	}
}

func (s *Server) infoKeyspace(t *infoText) {
	for db := range s.cfg.Databases.Load() {
		if keys, expires, ttl := s.store.ExpireStats(db); keys > 0 {
			t.add(fmt.Sprintf("db%d", db), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, expires, ttl))
		}
	}
}
