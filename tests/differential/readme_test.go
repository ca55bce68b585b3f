package differential

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"quarry/tests/harness"
)

// TestReadmeSaysWhatIsMissing compares README's list of what is not there with what the oracle has and
// Quarry has not: every such command is named, by itself or by a pattern, and none that is there.
func TestReadmeSaysWhatIsMissing(t *testing.T) {
	oracle := harness.StartRedis(t).Dial(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## What is not there yet\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{} // by pattern: whether it names a command that is missing
	for _, name := range regexp.MustCompile("`([A-Z-]+\\*?)`").FindAllStringSubmatch(section, -1) {
		named[strings.ToLower(name[1])] = false
	}
	for _, name := range oracle.Do("COMMAND", "LIST").Strings() {
		if strings.Contains(name, "|") {
			continue
		}
		isNamed := false
		for pattern := range named {
			if ok, _ := path.Match(pattern, name); ok {
				isNamed, named[pattern] = true, true
				if table.ByName(name) != nil {
					t.Errorf("README says that there is no %s, and there is", strings.ToUpper(name))
				}
			}
		}
		if !isNamed && table.ByName(name) == nil {
			t.Errorf("README does not say that there is no %s", strings.ToUpper(name))
		}
	}
	for pattern, used := range named {
		if !used {
			t.Errorf("README says that there is no %s, which redis-server has not either", strings.ToUpper(pattern))
		}
	}
}
