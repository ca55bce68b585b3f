package server

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"quarry/persistence"
	"quarry/persistence/rdb"
)

const checkUsage = `Usage: quarry check DIR [--repair]

Reads the append-only log in DIR, or in the appendonlydir in it, and says what
it holds and whether all of it is whole. With --repair what is torn or damaged
is cut off behind the last part that is whole; the bytes that are cut are kept
in files beside it. The exit code is 0 if all is whole, or was repaired, else 1.
`

// Check is the subcommand of that name: args are what follows it on the command
// line, the report goes to out. It returns the exit code.
func Check(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { io.WriteString(out, checkUsage) }
	repair := flags.Bool("repair", false, "")
	var dirs []string
	for len(args) > 0 {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return 0
		} else if err != nil {
			return 1
		}
		if args = flags.Args(); len(args) > 0 {
			dirs, args = append(dirs, args[0]), args[1:]
		}
	}
	if len(dirs) != 1 {
		flags.Usage()
		return 1
	}
	return checkDir(dirs[0], *repair, out)
}

func checkDir(dir string, repair bool, out io.Writer) int {
	base := ""
	o := persistence.CheckOptions{Dir: dir, Boot: bootID(), Base: func(r io.Reader, size int64) error {
		stats, err := rdb.Check(r, rdb.LoadOptions{Size: size})
		if err == nil {
			base = fmt.Sprintf(", an RDB of version %d with %d keys", stats.Version, stats.Keys)
		}
		return err
	}}
	look := persistence.Check
	if repair {
		look = persistence.Repair
	}
	report, err := look(o)
	printReport(out, &report, base)
	switch {
	case err != nil:
		fmt.Fprintln(out, "error:", err)
	case report.Fault == nil:
		fmt.Fprintln(out, "All is whole.")
		return 0
	case repair:
		fmt.Fprintln(out, "Repaired: a server can start on it.")
		return 0
	case report.Fault.Torn:
		fmt.Fprintln(out, "A server cuts this off when it starts, and goes on; so does --repair.")
	default:
		fmt.Fprintln(out, "A server refuses to start on this. --repair cuts it off, with all that follows it.")
	}
	return 1
}

func printReport(out io.Writer, r *persistence.Report, base string) {
	if r.Path != "" {
		fmt.Fprintln(out, "directory:", r.Path)
	}
	if r.Version != "" {
		fmt.Fprintln(out, "written by: Quarry", r.Version)
	}
	for _, f := range r.Files {
		if f.Base {
			fmt.Fprintf(out, "%s: %d bytes, the base%s\n", f.Name, f.Bytes, base)
		} else {
			fmt.Fprintf(out, "%s: %d bytes, %d commands in whole parts, %d groups with a checksum\n", f.Name, f.Bytes, f.Commands, f.Groups)
		}
	}
	for _, name := range r.History {
		fmt.Fprintf(out, "%s: not needed any more; it goes at the next start\n", name)
	}
	for _, name := range r.Kept {
		fmt.Fprintf(out, "%s: kept of an earlier cut\n", name)
	}
	if f := r.Fault; f != nil {
		kind := "damage"
		if f.Torn {
			kind = "an unfinished write"
		}
		fmt.Fprintf(out, "%s, offset %d: %s: %s; %d bytes follow\n", f.File, f.Offset, kind, f.Reason, r.Lost)
	}
	for _, c := range r.Cut {
		fmt.Fprintf(out, "%s: cut at %d; the %d bytes are in %s\n", c.File, c.Offset, c.Bytes, c.SideAt)
	}
}
