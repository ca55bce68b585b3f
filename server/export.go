package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"quarry/commands"
	"quarry/persistence"
	"quarry/persistence/rdb"
	"quarry/persistence/vfs"
	"quarry/server/config"
	"quarry/store"
)

const exportUsage = `Usage: quarry export DIR TO

Reads the data in DIR, as a server that starts there does, and writes what Redis
can hold of it to the directory TO, which is empty: a log for Redis 7 and later
(appendonlydir) and a snapshot for any (dump.rdb). The keys that are left out,
fields (HUNT) and Bloom filters, are listed. No server may be using DIR. The exit code is
0 if all was written, 1 if not.
`

// Export is the subcommand of that name: args are what follows it on the command line, the report goes to out. It returns the
// exit code.
func Export(args []string, out io.Writer) int {
	if len(args) != 2 || args[0] == "" || args[0][0] == '-' {
		io.WriteString(out, exportUsage)
		return 1
	}
	if err := export(args[0], args[1], out); err != nil {
		fmt.Fprintln(out, "not exported:", err)
		return 1
	}
	return 0
}

func export(from, to string, out io.Writer) (err error) {
	cfg, err := config.Load([]string{"--dir", from, "--port", "0", "--appendonly", "yes"})
	if err != nil {
		return err
	}
	s, err := newServer(cfg, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn})), commands.NewCommandTable())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.openDir(); err != nil {
		return err
	}
	if s.persist.dir.Empty() {
		err = s.loadSnapshot(context.Background())
	} else {
		err = s.loadLog(context.Background())
	}
	if err != nil {
		return err
	}
	return s.exportTo(to, out)
}

// exportTo writes the data.
func (s *Server) exportTo(to string, out io.Writer) error {
	if err := vfs.OS.MkdirAll(to); err != nil {
		return err
	}
	o := s.logOptions()
	o.Dir, o.AppendDir, o.AppendFile = to, "", ""
	dir, err := persistence.Open(o)
	if err != nil {
		return err
	}
	defer dir.Close()
	if !dir.Empty() {
		return fmt.Errorf("%s holds a log already", to)
	}
	e := exporter{s: s, out: out}
	if err := dir.Seed(func(w io.Writer) error { return e.write(w, true) }); err != nil {
		return err
	}
	e.out = io.Discard // it has been said
	if err := persistence.WriteSnapshot(vfs.OS, to+"/dump.rdb", func(w io.Writer) error { return e.write(w, false) }); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d keys are exported to %s, %d are left out\n", e.written, to, e.left)
	return nil
}

// exporter writes what Redis can hold, and says what it cannot.
type exporter struct {
	s             *Server
	out           io.Writer
	written, left int
}

func (e *exporter) write(w io.Writer, base bool) error {
	view, err := e.s.store.Cut(nil)
	if err != nil {
		return err
	}
	defer view.Close()
	e.written, e.left = 0, 0
	return rdb.Save(w, view, rdb.SaveOptions{
		Compress: true, Checksum: true, AOFBase: base, CTimeUnix: time.Now().Unix(),
		Aux: []rdb.Aux{{Name: "redis-ver", Value: commands.RedisVersion}},
		Leave: func(entry *store.Entry) bool {
			if entry.Type().IsRedis() {
				e.written++
				return false
			}
			e.left++
			fmt.Fprintf(e.out, "left out: database %d, %s %q\n", entry.Database(), commands.TypeName(entry.Type()), entry.Key())
			return true
		},
	})
}
