package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"quarry/commands"
	"quarry/persistence"
	"quarry/persistence/rdb"
	"quarry/persistence/vfs"
	"quarry/server/config"
	"quarry/store"
)

const exportUsage = `Usage: quarry export DIR [TO] [--directive value ...]

Loads the append-only log in DIR, which no server may use meanwhile, and lists
the keys that Redis has no type for: fields (HUNT) and Bloom filters. With TO, an
empty or new directory, it writes all other keys there, as an appendonlydir that
Redis 7.0 and later start on, and as a dump.rdb that Redis 5 and later load. DIR
stays as it is. Directives are those of the server, such as --databases.
`

// Export is the subcommand of that name: args are what follows it on the
// command line, the report goes to out. It returns the exit code.
func Export(args []string, out io.Writer) int {
	var dirs []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		dirs, args = append(dirs, args[0]), args[1:]
	}
	if len(dirs) < 1 || len(dirs) > 2 {
		io.WriteString(out, exportUsage)
		return 1
	}
	if err := export(dirs, args, out); err != nil {
		fmt.Fprintln(out, "error:", err)
		return 1
	}
	return 0
}

// export loads dirs[0] and writes what Redis can read to dirs[1], if that is given.
func export(dirs, directives []string, out io.Writer) error {
	cfg, err := config.Load(append([]string{"--dir", dirs[0]}, directives...))
	if err != nil {
		return err
	}
	s, err := newServer(cfg, slog.New(slog.DiscardHandler), commands.NewCommandTable())
	if err != nil {
		return err
	}
	if err = s.loadReadOnly(); err == nil {
		err = s.export(dirs[1:], out)
	}
	return errors.Join(err, s.Close())
}

// loadReadOnly loads the log and changes nothing in its directory: a torn end stays where it is.
func (s *Server) loadReadOnly() error {
	r := newReplayer(s, s.loadWorkers())
	report, err := persistence.Check(persistence.CheckOptions{
		Dir:   s.cfg.Dir.Load(),
		Base:  func(in io.Reader, size int64) error { return s.loadBase(context.Background(), in, size) },
		Apply: r.Apply,
	})
	if err = errors.Join(err, r.Finish()); err != nil {
		return err
	}
	if report.Fault != nil && !report.Fault.Torn {
		return report.Fault
	}
	return nil
}

func (s *Server) export(to []string, out io.Writer) error {
	view, err := s.store.Cut(nil)
	if err != nil {
		return err
	}
	defer view.Close()
	if err := listForeign(view, out); err != nil || len(to) == 0 {
		return err
	}
	d, err := persistence.Open(persistence.Options{Dir: to[0], Version: Version})
	if err != nil {
		return err
	}
	if !d.Empty() {
		return errors.Join(fmt.Errorf("%s holds a log already", to[0]), d.Close())
	}
	write := func(base bool) func(io.Writer) error {
		return func(w io.Writer) error {
			o := s.saveOptions(&saving{}, base)
			o.Leave = func(e *store.Entry) bool { return !e.Type().IsRedis() }
			return rdb.Save(w, view, o)
		}
	}
	if err := d.Seed(write(true)); err != nil {
		return errors.Join(err, d.Close())
	}
	log, err := d.Start()
	if err != nil {
		return errors.Join(err, d.Close())
	}
	if err := log.Close(); err != nil {
		return err
	}
	if err := persistence.WriteSnapshot(vfs.OS, filepath.Join(to[0], "dump.rdb"), write(false)); err != nil {
		return err
	}
	fmt.Fprintf(out, "written to %s\n", to[0])
	return nil
}

// exportTypes are the types that Redis does not have, by name.
var exportTypes = map[store.Type]string{store.TypeField: "field", store.TypeBloom: "Bloom filter"}

// listForeign lists the keys that Redis cannot read, and counts all.
func listForeign(view *store.View, out io.Writer) error {
	left, all := 0, 0
	for db := range view.Databases() {
		err := view.Walk(db, func(e *store.Entry) (err error) {
			if e.Type().IsRedis() {
				all++
			} else {
				left++
				_, err = fmt.Fprintf(out, "left out: database %d, key %q, a %s\n", db, e.Key(), exportTypes[e.Type()])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d keys that Redis can read, %d that it cannot\n", all, left)
	return nil
}
