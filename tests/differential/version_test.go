package differential

import (
	"slices"
	"strconv"
	"strings"
)

// newer lists calls that the oracle, Debian's Redis 7.0, does not know and later versions do, and those with
// which it would begin to replicate or do what Quarry has not. They are not sent to it; transcripts show their answers.
var newer = []struct {
	command string
	is      func(args []string) bool
	reason  string
}{
	{"zrank", pastThird, "WITHSCORE came with 7.2, and with it the arity"},
	{"zrevrank", pastThird, "WITHSCORE came with 7.2, and with it the arity"},
	{"lpos", has("-9223372036854775808"), "that RANK is refused since 7.2"},
	{"client|setinfo", always, "came with 7.2"},
	{"client|no-touch", always, "came with 7.2"},
	{"client|kill", has("MAXAGE"), "MAXAGE came with 7.4"},
	{"zunion", has("COUNT"), "AGGREGATE COUNT came with 8"},
	{"zinter", has("COUNT"), "AGGREGATE COUNT came with 8"},
	{"zunionstore", has("COUNT"), "AGGREGATE COUNT came with 8"},
	{"zinterstore", has("COUNT"), "AGGREGATE COUNT came with 8"},
	{"zscan", has("NOSCORES"), "NOSCORES came with 8"},
	{"hscan", has("NOVALUES"), "NOVALUES came with 7.4"},
	{"geosearch", has("BYPOLYGON"), "BYPOLYGON came with Valkey 9"},
	{"geosearchstore", has("BYPOLYGON"), "BYPOLYGON came with Valkey 9"},
	{"hgetdel", always, "came with 8"},
	{"cluster|myshardid", always, "came with 7.2"},
	{"psync", pastSecond, "the oracle would take the connection for a replica, as with the next two"},
	{"sync", alone, ""},
	{"replconf", always, ""},
	{"replicaof", host, "the oracle would become a replica"},
	{"slaveof", host, "the oracle would become a replica"},
	{"acl|setuser", pastSecond, "the oracle would make a user"},
	{"acl|deluser", pastSecond, "the oracle would look for users"},
	{"acl|log", has("99"), "entries have a number and two times since 7.2"},
	{"hello", setNameFirst, "since 7.2 a HELLO that is refused names nobody"},
}

// reworded lists errors whose text has changed since the oracle's version, both by their beginnings.
var reworded = []struct{ command, old, new string }{
	// Since 7.2 HELLO reads all options before it looks at the password.
	{"hello", "WRONGPASS invalid username-password pair or user is disabled.", "ERR Syntax error in HELLO option"},
	{"hello", "WRONGPASS invalid username-password pair or user is disabled.", "ERR Client names cannot contain"},
	{"bzpopmin", "ERR timeout is negative", "ERR timeout is out of range"}, // of an infinite timeout
	{"bzpopmax", "ERR timeout is negative", "ERR timeout is out of range"},
	{"bzmpop", "ERR timeout is negative", "ERR timeout is out of range"},
	{"blpop", "ERR timeout is negative", "ERR timeout is out of range"},
	{"brpop", "ERR timeout is negative", "ERR timeout is out of range"},
	{"blmove", "ERR timeout is negative", "ERR timeout is out of range"},
	{"brpoplpush", "ERR timeout is negative", "ERR timeout is out of range"},
	{"blmpop", "ERR timeout is negative", "ERR timeout is out of range"},
	{"geosearch", oneShapeOfTwo, oneShapeOfThree},
	{"geosearchstore", oneShapeOfTwo, oneShapeOfThree},
	{"module|load", moduleCommandOff, "ERR Quarry has no modules"},
	{"module|loadex", moduleCommandOff, "ERR Quarry has no modules"},
	{"module|unload", moduleCommandOff, "ERR Quarry has no modules"},
	{"hello", "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
		"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"},
}

// Polygons came with Valkey 9.
const (
	oneShapeOfTwo   = "ERR exactly one of BYRADIUS and BYBOX can be specified for "
	oneShapeOfThree = "ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for "
)

const moduleCommandOff = `ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local connection, ` +
	"otherwise you need to set this option in the configuration file, and then restart the server."

// isReworded reports whether two errors of a command are one in two versions' words.
func isReworded(command, old, new string) bool {
	for _, r := range reworded {
		if r.command == command && strings.HasPrefix(old, r.old) && strings.HasPrefix(new, r.new) {
			return true
		}
	}
	return false
}

func always([]string) bool          { return true }
func alone(args []string) bool      { return len(args) == 1 }
func pastSecond(args []string) bool { return len(args) > 2 }
func pastThird(args []string) bool  { return len(args) > 3 }

// host: REPLICAOF names a server.
func host(args []string) bool {
	if len(args) != 3 {
		return false
	}
	_, err := strconv.ParseUint(args[2], 10, 16)
	return err == nil
}

func has(word string) func([]string) bool {
	return func(args []string) bool {
		return slices.ContainsFunc(args[1:], func(a string) bool { return strings.EqualFold(a, word) })
	}
}

// setNameFirst: SETNAME stands before other options, which may be wrong.
func setNameFirst(args []string) bool {
	i := slices.IndexFunc(args, func(a string) bool { return strings.EqualFold(a, "SETNAME") })
	return i >= 0 && i != len(args)-2
}

// isNewer reports whether the oracle is too old for a call.
func isNewer(args []string) bool {
	name := commandName(args)
	for _, n := range newer {
		if n.command == name && n.is(args) {
			return true
		}
	}
	return false
}
