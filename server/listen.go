package server

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// listen binds all addresses of the configuration.
func (s *Server) listen() error {
	if port := s.cfg.Port.Load(); port != 0 {
		for _, addr := range s.cfg.Bind.Load() {
			if err := s.listenTCP(addr, port); err != nil {
				return err
			}
		}
	}
	if path := s.cfg.UnixSocket.Load(); path != "" {
		return s.listenUnix(s.cfg.Path(path))
	}
	return nil
}

// listenTCP binds one word of the directive bind: an address or name, * for
// every IPv4 address, ::* for every IPv6 address; after a '-' it may be missing
// on this machine.
func (s *Server) listenTCP(bind string, port int) error {
	bind, optional := strings.CutPrefix(bind, "-")
	network, host := networkOf(bind)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	ln, err := net.Listen(network, addr)
	switch {
	case err == nil:
		s.AddListener(ln)
		return s.setBacklog(ln)
	case optional && missing(err):
		s.log.Debug("an optional address is not on this machine", slog.String("bind", bind))
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the port is in use; is a server running there already? (--port chooses another)", addr)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// networkOf is the network a word of bind is listened on, and the host there.
// Each kind of address has its own: on "tcp", package net takes 0.0.0.0 and ::
// alike for all addresses of both kinds.
func networkOf(bind string) (network, host string) {
	switch bind {
	case "*":
		return "tcp4", "0.0.0.0"
	case "::*":
		return "tcp6", "::"
	}
	ip, err := netip.ParseAddr(bind)
	switch {
	case err != nil || ip.Is4In6():
		return "tcp", bind // a name, or an address that can be written both ways
	case ip.Is4():
		return "tcp4", bind
	}
	return "tcp6", bind
}

// missing says that the machine does not have such an address, or none of that kind.
func missing(err error) bool {
	for _, e := range []error{
		syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT,
		syscall.ESOCKTNOSUPPORT, syscall.EPFNOSUPPORT, syscall.ENOPROTOOPT,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// socketFile is the file of a Unix socket, as it was made.
type socketFile struct {
	path string
	info fs.FileInfo
}

// listenUnix binds a Unix socket.
func (s *Server) listenUnix(path string) error {
	if err := removeStale(path); err != nil {
		return fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	ln.SetUnlinkOnClose(false) // removeSockets looks first whose it is
	s.AddListener(ln)
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	s.sockets = append(s.sockets, socketFile{path, info})
	if perm := s.cfg.UnixSocketPerm.Load(); perm != 0 {
		if err := os.Chmod(path, fs.FileMode(perm)); err != nil {
			return fmt.Errorf("unixsocketperm: %w", err)
		}
	}
	return s.setBacklog(ln)
}

// removeStale removes a socket that an earlier server left behind: one where
// nobody listens, which is not the same as one that cannot be connected to just
// now. Any other file is left alone, and the listening fails.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return errors.New("another server listens there")
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("a socket is there that may be in use: %w", err)
	}
	return os.Remove(path)
}

// setBacklog makes tcp-backlog the listener's: listening again changes it.
func (s *Server) setBacklog(ln net.Listener) error {
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return fmt.Errorf("tcp-backlog: %w", err)
	}
	controlErr := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), s.cfg.TCPBacklog.Load()) })
	if err = errors.Join(controlErr, err); err != nil {
		return fmt.Errorf("tcp-backlog: %w", err)
	}
	return nil
}

// removeSockets removes the files of Unix sockets that are still ours.
func (s *Server) removeSockets() {
	for _, socket := range s.sockets {
		info, err := os.Lstat(socket.path)
		if err != nil || !os.SameFile(info, socket.info) {
			continue
		}
		if err := os.Remove(socket.path); err != nil {
			s.log.Warn("cannot remove the Unix socket", slog.Any("err", err))
		}
	}
	s.sockets = nil
}

// maxFDs is how many descriptors the process may have. Go has raised the soft
// limit to the hard one at its start.
func maxFDs() (n uint64, ok bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, err == nil
}

// logReady says where the server listens and what to try.
func (s *Server) logReady() {
	var at []string
	try := ""
	for _, addr := range s.Addrs() {
		at = append(at, addr.String())
		if try == "" {
			try = tryWith(addr)
		}
	}
	s.log.Info("ready to accept connections", slog.String("on", strings.Join(at, " ")), slog.String("try", try))
}

// tryWith is a command that reaches the server at an address.
func tryWith(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	switch {
	case !ok:
		return "redis-cli -s " + addr.String() + " ping"
	case tcp.IP.IsUnspecified() || tcp.IP.Equal(net.IPv4(127, 0, 0, 1)):
		return fmt.Sprintf("redis-cli -p %d ping", tcp.Port)
	}
	return fmt.Sprintf("redis-cli -h %s -p %d ping", tcp.IP, tcp.Port)
}
