package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rewriteHead is the comment above the lines that Rewrite appends.
const rewriteHead = "# Written by CONFIG REWRITE"

// Rewrite is CONFIG REWRITE: it makes the configuration file say what is in
// force. Comments, order, includes and the lines of options that have not changed stay as
// they are. The file is replaced in one step, after its new text was read back
// and found right. The error's text is the whole reply.
func (c *Config) Rewrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == "" {
		return errors.New("ERR The server is running without a config file")
	}
	if err := c.rewrite(); err != nil {
		return fmt.Errorf("ERR Rewriting config file: %w", err)
	}
	return nil
}

func (c *Config) rewrite() error {
	old, err := os.ReadFile(c.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text, err := c.render(string(old))
	if err != nil {
		return err
	}
	return replaceFile(c.file, text)
}

// render is the text of old changed to say what is in force. What the lines
// say is found out by reading them, includes and all.
func (c *Config) render(old string) (string, error) {
	stale, err := c.differing(old)
	if err != nil {
		return "", err
	}
	text := c.replaceLines(old, stale)
	// What had no line, or a line whose effect a later include undoes, goes to the end.
	if stale, err = c.differing(text); err != nil {
		return "", err
	}
	text = c.appendLines(text, stale)
	stale, err = c.differing(text)
	if err == nil && len(stale) > 0 {
		err = fmt.Errorf("option %s would not read back", stale[0].name)
	}
	return text, err
}

// differing lists the options that text, read as the configuration file,
// would give other values than they have.
func (c *Config) differing(text string) ([]*option, error) {
	other := defaults()
	if err := other.readText(source{name: c.file}, text); err != nil {
		return nil, err
	}
	var list []*option
	for i := range options {
		o := &options[i]
		mine := o.at(c)
		if !o.same(mine, mine.given(), o.at(other).given()) {
			list = append(list, o)
		}
	}
	return list, nil
}

// replaceLines puts the present value in the last line of each stale option
// and drops its other lines.
func (c *Config) replaceLines(text string, stale []*option) string {
	lines := strings.Split(text, "\n")
	done := map[*option]bool{}
	kept := make([]string, 0, len(lines))
	for _, line := range slices.Backward(lines) {
		o := lineOption(line)
		switch {
		case o == nil || !slices.Contains(stale, o):
			kept = append(kept, line)
		case !done[o]:
			kept = append(kept, c.line(o))
			done[o] = true
		}
	}
	slices.Reverse(kept)
	return strings.Join(kept, "\n")
}

// lineOption is the option a line sets, or nil.
func lineOption(line string) *option {
	words, err := directive(line)
	if err != nil || len(words) == 0 {
		return nil
	}
	return lookup(words[0])
}

func (c *Config) appendLines(text string, stale []*option) string {
	if len(stale) == 0 {
		return text
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if !strings.Contains(text, rewriteHead+"\n") {
		text += "\n" + rewriteHead + "\n"
	}
	for _, o := range stale {
		text += c.line(o) + "\n"
	}
	return text
}

// line is the directive that sets o to its present value.
func (c *Config) line(o *option) string {
	f := o.at(c)
	words := f.words(o, f.given())
	if n, ok := f.given().(int64); ok {
		words = []string{formatBytes(n)}
	}
	if len(words) == 0 {
		words = []string{""}
	}
	line := o.name
	for _, w := range words {
		line += " " + quoteWord(w)
	}
	return line
}

// formatBytes writes an amount of memory in the largest unit that divides it.
func formatBytes(n int64) string {
	for _, u := range slices.Backward(byteUnits) {
		if n != 0 && u.bytes&(u.bytes-1) == 0 && n%u.bytes == 0 && u.suffix != "b" {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}

// replaceFile writes text to a new file, makes it durable and renames it over
// path, whose permissions it takes: a crash leaves the old file or the new one.
// A link stays one. A file that has gone comes back for the owner alone: it may
// hold the password.
func replaceFile(path, text string) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := os.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	err = writeSynced(tmp, text, mode)
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(f *os.File, text string, mode os.FileMode) error {
	_, err := f.WriteString(text)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
