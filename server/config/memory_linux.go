package config

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// machineMemory is MemTotal of /proc/meminfo, 0 if it cannot be read.
func machineMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return parseMemTotal(string(text))
}

func parseMemTotal(text string) int64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == "MemTotal:" {
			kb, _ := strconv.ParseInt(fields[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// groupMemory is the lowest limit of the process' memory control group and the
// groups above it, in version 2 and in version 1 of the interface; 0 for none.
func groupMemory() int64 {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	return groupLimit(string(text), func(name string) string {
		limit, _ := os.ReadFile("/sys/fs/cgroup" + name)
		return string(limit)
	})
}

// groupLimit reads lines "id:controllers:path". Inside a container the path may
// name a group that is not visible there; walking up to the root finds the
// container's own files.
func groupLimit(groups string, read func(name string) string) int64 {
	lowest := int64(math.MaxInt64)
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		prefix, file := "", "memory.max"
		switch {
		case strings.Contains(","+parts[1]+",", ",memory,"):
			prefix, file = "/memory", "memory.limit_in_bytes"
		case parts[1] != "":
			continue
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			limit, err := strconv.ParseInt(strings.TrimSpace(read(path.Join(prefix, dir, file))), 10, 64)
			if err == nil && limit > 0 {
				lowest = min(lowest, limit)
			}
			if dir == "/" {
				break
			}
		}
	}
	if lowest == math.MaxInt64 {
		return 0
	}
	return lowest
}
