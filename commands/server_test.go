package commands

import (
	"errors"
	"testing"
)

func TestShutdown(t *testing.T) {
	for _, c := range []struct{ call, asked, answer string }{
		{"SHUTDOWN", "shutdown {NoSave:false Save:false Now:false Force:false Abort:false}", ""},
		{"SHUTDOWN nosave NOW force", "shutdown {NoSave:true Save:false Now:true Force:true Abort:false}", ""},
		{"SHUTDOWN SAVE", "shutdown {NoSave:false Save:true Now:false Force:false Abort:false}", ""},
		{"SHUTDOWN abort", "shutdown {NoSave:false Save:false Now:false Force:false Abort:true}", "OK"},
		{"SHUTDOWN SAVE NOSAVE", "", "-" + errSyntax},
		{"SHUTDOWN ABORT NOW", "", "-" + errSyntax},
		{"SHUTDOWN later", "", "-" + errSyntax},
	} {
		f := newFakes(t)
		if answer := f.call(c.call); answer != c.answer || f.host.asked != c.asked {
			t.Errorf("%s\n got %q, asked %s\nwant %q, asked %s", c.call, answer, f.host.asked, c.answer, c.asked)
		}
	}
	f := newFakes(t)
	f.host.err = errors.New("ERR No shutdown in progress.")
	f.answers([][2]string{{"SHUTDOWN ABORT", "-ERR No shutdown in progress."}})
}

func TestServerAnswers(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"TIME", `["1767225600" "123"]`},
		{"LASTSAVE", `1700000000`},
		{"INFO", `txt:"# Server\r\n"`},
		{"CLUSTER INFO", "-ERR This instance has cluster support disabled"},
		{"READONLY", "-ERR This instance has cluster support disabled"},
		{"FLUSHALL soon", "-" + errSyntax},
		{"FLUSHDB ASYNC SYNC", "-" + errSyntax},
		{"SWAPDB a 1", "-ERR invalid first DB index"},
		{"SWAPDB 99 4294967296", "-ERR invalid second DB index"},
		{"SWAPDB 0 16", "-" + errDBIndex},
		{"SWAPDB -1 0", "-" + errDBIndex},
		{"INFO Keyspace ALL", `txt:"# Server\r\n"`},
	})
	if f.host.asked != `info ["keyspace" "all"]` {
		t.Errorf("asked %s", f.host.asked)
	}
}

func TestConfig(t *testing.T) {
	f := newFakes(t)
	f.host.config = []KV{{"port", "6379"}, {"databases", "16"}}
	f.answers([][2]string{
		{"CONFIG GET p* nosuch", `{"port" "6379"}`},
		{"CONFIG GET nosuch", `{}`},
		{"CONFIG GET d* PORT DATABASES", `{"PORT" "6379" "databases" "16"}`},
		{"CONFIG RESETSTAT", "OK"},
		{"CONFIG REWRITE", "OK"},
		{"CONFIG SET a 1 b", "-" + errSyntax},
		{"CONFIG SET a", "-ERR wrong number of arguments for 'config|set' command"},
		{"CONFIG SET a 1 b 2", "OK"},
	})
	if f.host.asked != "set [{a 1} {b 2}]" {
		t.Errorf("asked %s", f.host.asked)
	}
	f.host.err = errors.New("ERR no")
	f.answers([][2]string{{"CONFIG SET a 1", "-ERR no"}, {"CONFIG REWRITE", "-ERR no"}})
}

func TestSlowlog(t *testing.T) {
	f := newFakes(t)
	f.host.slow = []SlowEntry{{ID: 3, UnixSec: 1767225600, DurationUS: 12, Args: [][]byte{[]byte("GET"), []byte("k")}, Addr: "1.2.3.4:5", Name: "ada"}}
	f.answers([][2]string{
		{"SLOWLOG LEN", "1"},
		{"SLOWLOG GET", `[[3 1767225600 12 ["GET" "k"] "1.2.3.4:5" "ada"]]`},
		{"SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"},
		{"SLOWLOG GET x", "-ERR count should be greater than or equal to -1"},
		{"SLOWLOG GET 1 2", "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."},
	})
	if f.host.asked != "slowlog 10" {
		t.Errorf("asked %s", f.host.asked)
	}
	f.answers([][2]string{{"SLOWLOG RESET", "OK"}, {"SLOWLOG GET -1", "[]"}})
	if f.host.asked != "slowlog -1" {
		t.Errorf("asked %s", f.host.asked)
	}
}
