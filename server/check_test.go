package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quarry/persistence"
)

// checked runs the subcommand.
func checked(args ...string) (code int, text string) {
	var out bytes.Buffer
	code = Check(args, &out)
	return code, out.String()
}

func TestCheckSubcommand(t *testing.T) {
	dir := t.TempDir()
	d, err := persistence.Open(persistence.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	log, err := d.Start()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		log.Append(0, []byte("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"))
		log.Commit()
	}
	if code, text := checked(dir); code != 1 || !strings.Contains(text, "in use") {
		t.Errorf("a directory in use: %d, %s", code, text)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if code, text := checked(dir); code != 0 || !strings.Contains(text, "6 commands") || !strings.Contains(text, "All is whole.") {
		t.Errorf("a whole directory: %d, %s", code, text)
	}
	path := filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.Index(text, []byte("SET"))] = 'x'
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := checked(dir); code != 1 || !strings.Contains(text, path+", offset 49: damage") {
		t.Errorf("damage: %d, %s", code, text)
	}
	if code, text := checked("--repair", dir); code != 0 || !strings.Contains(text, "Repaired") || !strings.Contains(text, ".cut-49") {
		t.Errorf("a repair: %d, %s", code, text)
	}
	if code, text := checked(dir, "--repair"); code != 0 || !strings.Contains(text, "All is whole.") {
		t.Errorf("after the repair: %d, %s", code, text)
	}
	if code, text := checked(); code != 1 || !strings.Contains(text, "Usage") {
		t.Errorf("no directory: %d, %s", code, text)
	}
	if code, _ := checked("--what", dir); code != 1 {
		t.Errorf("an unknown option: %d", code)
	}
}
