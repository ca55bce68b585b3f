package commands

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// There is one user, who may do everything. These commands tell of it in Redis' words, and refuse what would
// change or add users.

var aclCommands = []Spec{
	{
		Name: "ACL", Group: ServerGroup, Since: "6.0.0",
		Summary: "Looks at users and what they may do", Complexity: "Depends on the subcommand",
		Arity: -2,
		Subs: []Spec{
			{
				Name: "CAT", Group: ServerGroup, Since: "6.0.0",
				Summary: "Lists the categories of commands, or the commands of one", Complexity: "O(N) for N commands",
				Arity: -2, Flags: NoScript | Loading | Stale,
				Args: []Arg{optional(stringArg("categoryname"))},
				Run:  aclCat,
			},
			{
				Name: "DELUSER", Group: ServerGroup, Since: "6.0.0",
				Summary: "Would remove users, which cannot be", Complexity: "O(1)",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				Args: []Arg{multiple(stringArg("username"))},
				Run:  func(c *Ctx) { c.Error(errOneUser) },
			},
			{
				Name: "DRYRUN", Group: ServerGroup, Since: "7.0.0",
				Summary: "Tells whether a user may make a call, without making it", Complexity: "O(1)",
				Arity: -4, Flags: Admin | NoScript | Loading | Stale,
				Args: []Arg{stringArg("username"), stringArg("command"), optional(multiple(stringArg("arg")))},
				Run:  aclDryrun,
			},
			{
				Name: "GENPASS", Group: ServerGroup, Since: "6.0.0",
				Summary: "Makes a random password of so many bits, 256 unless told", Complexity: "O(1)",
				Arity: -2, Flags: NoScript | Loading | Stale,
				Args: []Arg{optional(intArg("bits"))},
				Run:  aclGenpass,
			},
			{
				Name: "GETUSER", Group: ServerGroup, Since: "6.0.0",
				Summary: "Tells what a user may do", Complexity: "O(1)",
				Arity: 3, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{
					{"6.2.0", "The patterns of channels."},
					{"7.0.0", "Selectors; the patterns of keys and channels as rules instead of lists."},
				},
				Args: []Arg{stringArg("username")},
				Run:  aclGetuser,
			},
			{
				Name: "HELP", Group: ServerGroup, Since: "6.0.0",
				Summary: "Lists these subcommands", Complexity: "O(1)",
				Arity: 2, Flags: Loading | Stale,
				Run: help,
			},
			{
				Name: "LIST", Group: ServerGroup, Since: "6.0.0",
				Summary: "Tells what every user may do, as in a file of users", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: aclList,
			},
			{
				Name: "LOAD", Group: ServerGroup, Since: "6.0.0",
				Summary: "Would read the file of users, of which there is none", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: func(c *Ctx) { c.Error(errNoACLFile) },
			},
			{
				Name: "LOG", Group: ServerGroup, Since: "6.0.0",
				Summary:    "Lists the last refused logins, 10 of them unless told, or drops them",
				Complexity: "O(N) for N entries",
				Arity:      -2, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{{"7.2.0", "Entries have a number and the times they were made and last updated."}},
				Args:    []Arg{optional(oneOf("operation", intArg("count"), token("RESET")))},
				Run:     aclLog,
			},
			{
				Name: "SAVE", Group: ServerGroup, Since: "6.0.0",
				Summary: "Would write the file of users, of which there is none", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: func(c *Ctx) { c.Error(errNoACLFile) },
			},
			{
				Name: "SETUSER", Group: ServerGroup, Since: "6.0.0",
				Summary: "Would change or add a user, which cannot be", Complexity: "O(1)",
				Arity: -3, Flags: Admin | NoScript | Loading | Stale,
				History: [][2]string{{"6.2.0", "The patterns of channels."}, {"7.0.0", "Selectors, and rules for reading and writing keys."}},
				Args:    []Arg{stringArg("username"), optional(multiple(stringArg("rule")))},
				Run:     aclSetuser,
			},
			{
				Name: "USERS", Group: ServerGroup, Since: "6.0.0",
				Summary: "Names the users", Complexity: "O(1)",
				Arity: 2, Flags: Admin | NoScript | Loading | Stale,
				Run: func(c *Ctx) {
					c.Array(1)
					c.Str(defaultUser)
				},
			},
			{
				Name: "WHOAMI", Group: ServerGroup, Since: "6.0.0",
				Summary: "Names this connection's user", Complexity: "O(1)",
				Arity: 2, Flags: NoScript | Loading | Stale,
				Run: func(c *Ctx) { c.Str(c.Client.User()) },
			},
		},
	},
}

const (
	errOneUser = "ERR Quarry has one user, 'default', who may do everything; users cannot be added, changed or removed. " +
		"CONFIG SET requirepass sets the password"
	errNoACLFile = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER " +
		"command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the " +
		"Redis configuration."
	errGenpassBits = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
)

// What a user may do who may do everything, in the language of Redis' rules.
const (
	allKeys     = "~*"
	allChannels = "&*"
	allCommands = "+@all"
)

const (
	genpassBits     = 256
	genpassMostBits = 4096
)

// aclCat lists Redis' categories, also those that no command here is in, and after them our own.
func aclCat(c *Ctx) {
	switch {
	case len(c.Args) > 3:
		c.Error(wrongSubcommandArity(c))
		return
	case len(c.Args) == 2:
		cats := c.Host.Table().Categories()
		c.Array(len(cats))
		for _, cat := range cats {
			c.Str(strings.TrimPrefix(cat, "@"))
		}
		return
	}
	if category := aclCategory(c.Args[2]); slices.Contains(c.Host.Table().Categories(), category) {
		c.commandNames(inCategory(category))
		return
	}
	c.Error("ERR Unknown category '" + quoted(c.Args[2], 128) + "'")
}

// aclCategory is the category that an argument names, which has its @ in the table only.
func aclCategory(arg []byte) string { return "@" + strings.ToLower(string(arg)) }

// inCategory is the filter of what is in a category.
func inCategory(category string) func(*Spec) bool {
	return func(s *Spec) bool { return slices.Contains(s.Categories(), category) }
}

// aclDryrun checks a call as the gate would; every call that passes may be made.
func aclDryrun(c *Ctx) {
	user, call := c.Args[2], c.Args[3:]
	if string(user) != defaultUser {
		c.Error("ERR User '" + string(cString(user)) + "' not found")
		return
	}
	cmd, sub := c.Host.Table().Lookup(call)
	s := cmp.Or(sub, cmd)
	switch {
	case s == nil || s.Has(Hidden) || s.Subs != nil && len(call) > 1:
		c.Error("ERR Command '" + string(cString(call[0])) + "' not found")
	case !s.ArityOK(len(call)):
		c.Error(WrongArity(s))
	default:
		c.OK()
	}
}

// aclGenpass asks the system and not c.Rand: what that one draws next can be computed by who has seen enough of it.
func aclGenpass(c *Ctx) {
	bits := int64(genpassBits)
	if len(c.Args) > 3 {
		c.Error(wrongSubcommandArity(c))
		return
	}
	if len(c.Args) == 3 {
		var ok bool
		if bits, ok = parseInt(c.Args[2]); !ok {
			c.Error(errNotInt)
			return
		}
		if bits < 1 || bits > genpassMostBits {
			c.Error(errGenpassBits)
			return
		}
	}
	digits := (bits + 3) / 4
	raw := make([]byte, (digits+1)/2)
	rand.Read(raw) // never fails: see its documentation
	c.Str(hex.EncodeToString(raw)[:digits])
}

// passwordHash is how Redis shows the password, "" if there is none.
func (c *Ctx) passwordHash() string {
	password := c.option("requirepass")
	if password == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func aclGetuser(c *Ctx) {
	if string(c.Args[2]) != defaultUser {
		c.Null()
		return
	}
	flags, passwords := []string{"on"}, []string{}
	if hash := c.passwordHash(); hash != "" {
		passwords = append(passwords, hash)
	} else {
		flags = append(flags, "nopass")
	}
	c.Map(6)
	c.Str("flags")
	c.Set(len(flags))
	for _, flag := range flags {
		c.Str(flag)
	}
	c.Str("passwords")
	c.Array(len(passwords))
	for _, hash := range passwords {
		c.Str(hash)
	}
	c.strField("commands", allCommands)
	c.strField("keys", allKeys)
	c.strField("channels", allChannels)
	c.Str("selectors")
	c.Array(0)
}

func aclList(c *Ctx) {
	password := "nopass"
	if hash := c.passwordHash(); hash != "" {
		password = "#" + hash
	}
	c.Array(1)
	c.Str(strings.Join([]string{"user", defaultUser, "on", password, allKeys, allChannels, allCommands}, " "))
}

func aclLog(c *Ctx) {
	count := int64(10)
	switch {
	case len(c.Args) > 3:
		c.Error(wrongSubcommandArity(c))
		return
	case len(c.Args) == 3 && equalFold(c.Args[2], "RESET"):
		c.Host.DenialsReset()
		c.OK()
		return
	case len(c.Args) == 3:
		var ok bool
		if count, ok = parseInt(c.Args[2]); !ok {
			c.Error(errNotInt)
			return
		}
	}
	entries := c.Host.Denials(int(max(count, 0)))
	c.Array(len(entries))
	for i := range entries {
		c.denial(&entries[i])
	}
}

func (c *Ctx) denial(d *Denial) {
	c.Map(10)
	c.Str("count")
	c.Int(d.Count)
	c.strField("reason", "auth")
	c.strField("context", d.Context)
	c.strField("object", d.Object)
	c.strField("username", d.User)
	c.Str("age-seconds")
	c.Double(float64(max(c.NowMS-d.UpdatedMS, 0)) / 1000)
	c.strField("client-info", d.Client)
	c.Str("entry-id")
	c.Int(d.ID)
	c.Str("timestamp-created")
	c.Int(d.CreatedMS)
	c.Str("timestamp-last-updated")
	c.Int(d.UpdatedMS)
}

// denyLogin enters a login that is refused into ACL LOG.
func (c *Ctx) denyLogin(user string) {
	d := Denial{
		Context: "toplevel", Object: string(c.Args[0]), User: user, Client: c.Client.Info(),
		CreatedMS: c.NowMS,
	}
	if c.Client.InMulti() {
		d.Context = "multi"
	}
	c.Host.Deny(d)
}

func aclSetuser(c *Ctx) {
	for i := range c.Args[2:] {
		c.Secret(2 + i)
	}
	c.Error(errOneUser)
}
