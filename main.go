// Quarry is a Redis-compatible in-memory server for leaderboards. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"quarry/server"
	"quarry/server/config"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole process; it returns the exit code.
func run(args []string) int {
	if len(args) > 0 {
		switch args[0] {
		case "check":
			return server.Check(args[1:], os.Stdout)
		case "export":
			return server.Export(args[1:], os.Stdout)
		}
	}
	cfg, err := config.Load(args)
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Print(config.Usage)
		return 0
	case errors.Is(err, config.ErrVersion):
		fmt.Println("Quarry", server.Version)
		return 0
	case err != nil:
		return fail(err)
	}
	// As Redis does: the end of the terminal that started the server, or of what
	// read its log, is not the end of the server.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	if err := serve(cfg); err != nil {
		return fail(err)
	}
	return 0
}

// serve runs the server until SIGTERM, SIGINT or SHUTDOWN. A second signal
// ends the process at once.
func serve(cfg *config.Config) error {
	log, logFile, err := server.OpenLog(cfg)
	if err != nil {
		return err
	}
	defer logFile.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	srv, err := server.New(cfg, log)
	if err != nil {
		return err
	}
	removePID, err := server.WritePIDFile(cfg)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	defer removePID()
	return errors.Join(srv.Run(ctx), srv.Close())
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "quarry:", err)
	return 1
}
