package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"quarry/server/config"
)

// LevelVerbose is Redis' loglevel verbose; debug, notice and warning are
// slog's Debug, Info and Warn.
const LevelVerbose = slog.LevelInfo - 2

// OpenLog makes the server's logger: a line an event, to logfile or standard
// output, from loglevel on, which CONFIG SET may change. Close the Closer last.
func OpenLog(cfg *config.Config) (*slog.Logger, io.Closer, error) {
	if cfg.LogFile.Load() == "" {
		return newLogger(cfg, os.Stdout), io.NopCloser(nil), nil
	}
	f, err := os.OpenFile(cfg.Path(cfg.LogFile.Load()), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("logfile: %w", err)
	}
	return newLogger(cfg, f), f, nil
}

func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	return slog.New(levelHandler{cfg, slog.NewTextHandler(w, &slog.HandlerOptions{
		Level:       slog.LevelDebug, // levelHandler has decided
		ReplaceAttr: redisLevels,
	})})
}

// levelHandler asks the configuration what to let through.
type levelHandler struct {
	cfg *config.Config
	slog.Handler
}

func (h levelHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= minLevel(h.cfg.LogLevel.Load())
}

func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.cfg, h.Handler.WithAttrs(attrs)}
}

func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.cfg, h.Handler.WithGroup(name)}
}

func minLevel(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "verbose":
		return LevelVerbose
	case "warning":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// redisLevels names the levels as loglevel does.
func redisLevels(groups []string, a slog.Attr) slog.Attr {
	level, ok := a.Value.Any().(slog.Level)
	if !ok || a.Key != slog.LevelKey || len(groups) > 0 {
		return a
	}
	name := "error"
	switch {
	case level < LevelVerbose:
		name = "debug"
	case level < slog.LevelInfo:
		name = "verbose"
	case level < slog.LevelWarn:
		name = "notice"
	case level < slog.LevelError:
		name = "warning"
	}
	return slog.String(slog.LevelKey, name)
}

// WritePIDFile writes the process id to pidfile, if there is one, and returns
// the function that removes it.
func WritePIDFile(cfg *config.Config) (remove func(), err error) {
	if cfg.PIDFile.Load() == "" {
		return func() {}, nil
	}
	path := cfg.Path(cfg.PIDFile.Load())
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("pidfile: %w", err)
	}
	return func() { os.Remove(path) }, nil
}

// warnOpen says aloud that anyone may use the server, where that is so.
func warnOpen(cfg *config.Config, log *slog.Logger) {
	if cfg.RequirePass.Load() == "" && !cfg.ProtectedMode.Load() && listensWide(cfg.Bind.Load()) {
		log.Warn("open to the network: no requirepass, and protected-mode is off", "bind", strings.Join(cfg.Bind.Load(), " "))
	}
}

// listensWide reports whether an address is not of this machine only.
func listensWide(bind []string) bool {
	for _, addr := range bind {
		addr = strings.TrimPrefix(addr, "-")
		if !strings.HasPrefix(addr, "127.") && addr != "::1" && addr != "localhost" {
			return true
		}
	}
	return false
}
