package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// What Load returns when the command line asks for something else than a server.
var (
	ErrHelp    = errors.New("help is asked for")
	ErrVersion = errors.New("the version is asked for")
)

// Usage is the text for --help.
const Usage = `Usage: quarry [/path/to/quarry.conf] [-] [--directive value ...]
       quarry - (read the configuration from stdin)
       quarry -v or --version
       quarry -h or --help
       quarry check DIR [--repair] (examine, or mend, the append-only log in DIR)
       quarry export DIR TO (write what Redis can hold of it to TO, and list the rest)

Examples:
       quarry                      (defaults: 127.0.0.1, port 6379)
       quarry quarry.conf
       quarry quarry.conf --port 7777 --maxmemory 4gb --bind 127.0.0.1 ::1
       echo 'maxmemory 128mb' | quarry - --loglevel warning

The sample quarry.conf documents every directive.
`

// Load makes a configuration from the arguments of the command line, without
// the program's name: a file, then "-" for stdin, then directives; a later
// one wins. Its error is an [Error], [ErrHelp], [ErrVersion], or says why a
// file cannot be read.
func Load(args []string) (*Config, error) { return load(args, os.Stdin) }

func load(args []string, stdin io.Reader) (*Config, error) {
	c := defaults()
	if len(args) > 0 {
		switch args[0] {
		case "-h", "--help":
			return nil, ErrHelp
		case "-v", "--version":
			return nil, ErrVersion
		}
		if !strings.HasPrefix(args[0], "-") {
			if err := c.readMain(args[0]); err != nil {
				return nil, err
			}
			args = args[1:]
		}
	}
	if len(args) > 0 && args[0] == "-" {
		if err := c.readStdin(stdin); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	if err := c.readArgs(args); err != nil {
		return nil, err
	}
	return c, nil
}

// defaults is a configuration of the table's defaults.
func defaults() *Config {
	c := &Config{hooks: map[*option][]func() error{}}
	for i := range options {
		o := &options[i]
		f := o.at(c)
		f.put(o, o.defaultOf(f))
	}
	return c
}

func (c *Config) readMain(name string) error {
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.file = path
	return c.readFile(name, 0)
}

func (c *Config) readStdin(stdin io.Reader) error {
	text, err := readAll(stdin)
	if err != nil {
		return fmt.Errorf("stdin: %w", err)
	}
	return c.readText(source{name: "stdin"}, text)
}

// readArgs applies "--name value ..." up to the next word that begins with two
// dashes. A lone --save means save "", as in Redis.
func (c *Config) readArgs(args []string) error {
	for len(args) > 0 {
		n := 1
		for n < len(args) && !strings.HasPrefix(args[n], "--") {
			n++
		}
		if err := c.readArg(args[:n]); err != nil {
			return place(err, "command line", 0, strings.Join(args[:n], " "))
		}
		args = args[n:]
	}
	return nil
}

func (c *Config) readArg(words []string) error {
	name, ok := strings.CutPrefix(words[0], "--")
	if !ok {
		return errors.New("not a directive: those begin with --, and the configuration file is the first argument")
	}
	words = append([]string{name}, words[1:]...)
	if len(words) == 1 && lookup(name) == lookup("save") {
		words = append(words, "")
	}
	return c.apply(words, 0)
}

// File is the absolute path of the configuration file, or "".
func (c *Config) File() string { return c.file }
