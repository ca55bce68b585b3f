package commands

import (
	"errors"
	"strings"

	"quarry/store"
)

// The error texts clients match on, as Redis words them. An error line's first
// word is its code.
const (
	errSyntax        = "ERR syntax error"
	errNotInt        = "ERR value is not an integer or out of range"
	errNotFloat      = "ERR value is not a valid float"
	errOutOfRange    = "ERR value is out of range"
	errNotPositive   = "ERR value is out of range, must be positive"
	errWrongType     = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errNoSuchKey     = "ERR no such key"
	errScoreNaN      = "ERR resulting score is not a number (NaN)"
	errMinMaxFloat   = "ERR min or max is not a float"
	errMinMaxLex     = "ERR min or max not valid string range item"
	errInvalidCursor = "ERR invalid cursor"
	errInvalidExpire = "ERR invalid expire time in '%s' command"
	errDBIndex       = "ERR DB index is out of range"
	// ErrOOM is the answer of the gate to a DenyOOM command when memory is used up.
	ErrOOM = "OOM command not allowed when used memory > 'maxmemory'."
	// ErrNoMulti is the answer of the gate to a command that may not be in a transaction.
	ErrNoMulti = "ERR Command not allowed inside a transaction"
	// ErrNoAuth is the answer of the gate before AUTH.
	ErrNoAuth = "NOAUTH Authentication required."
)

// UnknownCommand words the error for a command that is not in the table: its
// name and the beginning of its arguments, each cut at 128 bytes in all.
func UnknownCommand(args [][]byte) string {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		b.WriteString("'" + quoted(a, 128-b.Len()) + "' ")
	}
	return "ERR unknown command '" + quoted(args[0], 128) + "', with args beginning with: " + b.String()
}

// quoted is an argument as an error text shows it, at most n bytes of it: up to its
// first NUL, where the text functions of C that Redis uses end.
func quoted(arg []byte, n int) string {
	arg = cString(arg)
	return string(arg[:min(len(arg), n)])
}

// UnknownSubcommand words the error for a container's unknown subcommand.
func UnknownSubcommand(cmd *Spec, args [][]byte) string {
	return "ERR unknown subcommand '" + quoted(args[1], 128) + "'. Try " + cmd.Name + " HELP."
}

// NotWhileSubscribed words the error for a command that a subscribed client of RESP2 may not send.
func NotWhileSubscribed(s *Spec) string {
	return "ERR Can't execute '" + s.FullName() + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
}

// WrongArity words the error for a wrong number of arguments.
func WrongArity(s *Spec) string {
	return "ERR wrong number of arguments for '" + s.FullName() + "' command"
}

// ExecAbort words the error of an EXEC that is refused itself.
func ExecAbort(refusal string) string {
	return "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(refusal, "ERR ")
}

// fail answers an error of package store in Redis' words and reports whether
// there was one.
func (c *Ctx) fail(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, store.ErrWrongType):
		c.Error(errWrongType)
	case errors.Is(err, store.ErrOOM):
		c.Error(ErrOOM)
	default:
		c.Error("ERR " + err.Error())
	}
	return true
}
