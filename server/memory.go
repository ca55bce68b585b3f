package server

import (
	"fmt"
	"runtime/debug"
	"strings"

	"quarry/commands"
	"quarry/store"
)

// memoryUse is where the process' memory goes, in bytes; INFO and MEMORY show it.
type memoryUse struct {
	store.Memory
	runtime runtimeUse
	used    int64 // by data and by the Go runtime
	peak    int64
	rss     int64 // as the system has it
	startup int64 // used before there was any data
	clients int64
}

func (s *Server) memoryUse() (m memoryUse) {
	m.Memory, m.runtime = s.store.Memory(), readRuntime()
	m.used = m.Used + m.runtime.memory
	m.peak = s.counters.peak(m.used)
	rss, ok := residentMemory()
	if !ok {
		rss = m.used + m.Free
	}
	m.rss, m.startup, m.clients = rss, s.counters.birth.memory, s.clientUse().bytes
	return m
}

// MemoryStats is what MEMORY STATS shows.
func (s *Server) MemoryStats() []commands.MemoryStat {
	m := s.memoryUse()
	keys := 0
	for db := range s.Databases() {
		keys += s.store.Size(db)
	}
	resident := m.Used + m.Free
	return []commands.MemoryStat{
		{Name: "peak.allocated", Int: m.peak},
		{Name: "total.allocated", Int: m.used},
		{Name: "startup.allocated", Int: m.startup},
		{Name: "replication.backlog"},
		{Name: "clients.slaves"},
		{Name: "clients.normal", Int: m.clients},
		{Name: "cluster.links"},
		{Name: "aof.buffer"},
		{Name: "lua.caches"},
		{Name: "functions.caches"},
		{Name: "overhead.keys", Int: m.Keys},
		{Name: "overhead.total", Int: m.used - m.Live},
		{Name: "keys.count", Int: int64(keys)},
		{Name: "keys.bytes-per-key", Int: m.Live / int64(max(keys, 1))},
		{Name: "dataset.bytes", Int: m.Live},
		{Name: "dataset.percentage", IsFloat: true, Float: 100 * quotient(m.Live, m.used-m.startup)},
		{Name: "peak.percentage", IsFloat: true, Float: 100 * quotient(m.used, m.peak)},
		{Name: "allocator.allocated", Int: m.Live},
		{Name: "allocator.active", Int: m.Used},
		{Name: "allocator.resident", Int: resident},
		{Name: "allocator-fragmentation.ratio", IsFloat: true, Float: quotient(m.Used, m.Live)},
		{Name: "allocator-fragmentation.bytes", Int: m.Used - m.Live},
		{Name: "allocator-rss.ratio", IsFloat: true, Float: quotient(resident, m.Used)},
		{Name: "allocator-rss.bytes", Int: m.Free},
		{Name: "rss-overhead.ratio", IsFloat: true, Float: quotient(m.rss, resident)},
		{Name: "rss-overhead.bytes", Int: m.rss - resident},
		{Name: "fragmentation", IsFloat: true, Float: quotient(m.rss, m.used)},
		{Name: "fragmentation.bytes", Int: m.rss - m.used},
	}
}

// From what on MEMORY DOCTOR speaks of something.
const (
	doctorBytes    = 5 << 20 // of data: with less, shares mean nothing
	doctorPeak     = 1.5     // times what is used now
	doctorSlack    = 1.4     // times what lives in the pages
	doctorFull     = 0.9     // of maxmemory
	doctorOutput   = 0.1     // of what is used
	doctorOverhead = 1.3     // times the pages
)

// MemoryDoctor is MEMORY DOCTOR's report.
func (s *Server) MemoryDoctor() string {
	m := s.memoryUse()
	return m.report(s.clients.count())
}

func (m *memoryUse) report(clients int) string {
	over := func(a int64, times float64, b int64) bool { return float64(a) > times*float64(b) }
	if m.Used < doctorBytes {
		return "There is too little data for a judgement.\n"
	}
	var found []string
	note := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, "- "+fmt.Sprintf(format, args...)+"\n")
		}
	}
	note(m.MaxMemory > 0 && over(m.Used, doctorFull, m.MaxMemory),
		"Nearly full: %s of maxmemory's %s are in use. Commands that need more memory will be refused (OOM). Raise maxmemory, or remove keys.",
		humanBytes(m.Used), humanBytes(m.MaxMemory))
	note(over(m.peak, doctorPeak, m.used),
		"A peak: at most %s were in use, %s are now. That is no fault, but the machine must have memory for the next one.",
		humanBytes(m.peak), humanBytes(m.used))
	note(over(m.Used, doctorSlack, m.Live),
		"Pages with gaps: what lives in %s of pages is %s. After many removals that is so until the gaps are filled again.",
		humanBytes(m.Used), humanBytes(m.Live))
	note(over(m.rss, doctorOverhead, m.Used+m.Free+m.runtime.memory),
		"More resident than accounted for: the system counts %s, pages and runtime have %s.",
		humanBytes(m.rss), humanBytes(m.Used+m.Free+m.runtime.memory))
	note(over(m.clients, doctorOutput, m.used),
		"Clients: their buffers take %s, with %d clients. CLIENT LIST shows in omem who does not read replies; client-output-buffer-limit bounds that.",
		humanBytes(m.clients), clients)
	if len(found) == 0 {
		return "Nothing is wrong with the memory.\n"
	}
	return "What is worth a look:\n\n" + strings.Join(found, "")
}

// MemoryAllocator is MEMORY MALLOC-STATS: how the pages of data are used.
func (s *Server) MemoryAllocator() string {
	m := s.memoryUse()
	var b strings.Builder
	fmt.Fprintf(&b, "pages of %d bytes: %d in use, %d kept for reuse\n", store.PageBytes, m.Used/store.PageBytes, m.Free/store.PageBytes)
	fmt.Fprintf(&b, "in them: %d bytes live, of which keys %d\n", m.Live, m.Keys)
	fmt.Fprintf(&b, "runtime: %d bytes, of which heap %d; %d garbage collections, longest stop %d us\n",
		m.runtime.memory, m.runtime.heap, m.runtime.cycles, m.runtime.pauseMaxUS)
	return b.String()
}

// MemoryPurge is MEMORY PURGE. The work is done in the background.
func (s *Server) MemoryPurge() {
	s.store.Purge()
	if s.purging.CompareAndSwap(false, true) {
		go func() {
			defer s.purging.Store(false)
			debug.FreeOSMemory()
		}()
	}
}
