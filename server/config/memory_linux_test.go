package config

import "testing"

func TestParseMemTotal(t *testing.T) {
	f := func(text string, want int64) {
		t.Helper()
		if got := parseMemTotal(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	f("MemTotal:       24684096 kB\nMemFree: 1 kB\n", 24684096<<10)
	f("MemFree: 1 kB\n", 0)
	f("MemTotal: x\n", 0)
	f("", 0)
}

func TestGroupLimit(t *testing.T) {
	f := func(groups string, files map[string]string, want int64) {
		t.Helper()
		got := groupLimit(groups, func(name string) string { return files[name] })
		if got != want {
			t.Errorf("%q: %d, want %d", groups, got, want)
		}
	}
	v2 := "0::/a/b\n"
	f(v2, map[string]string{"/a/b/memory.max": "max\n", "/a/memory.max": "500\n", "/memory.max": "900\n"}, 500)
	f(v2, map[string]string{"/memory.max": "900\n"}, 900)
	f(v2, map[string]string{"/a/b/memory.max": "max\n"}, 0)
	f("4:cpu,memory:/x\n5:pids:/y\n", map[string]string{"/memory/x/memory.limit_in_bytes": "700\n", "/memory.max": "1"}, 700)
	f("5:pids:/y\nbroken\n", map[string]string{"/memory.max": "1"}, 0)
	f("", nil, 0)
}

func TestAvailableMemory(t *testing.T) {
	if machine, available := MachineMemory(), AvailableMemory(); available <= 0 || available > machine {
		t.Errorf("available %d of %d", available, machine)
	}
}
