package commands

import (
	"fmt"
	"slices"
	"strings"

	"quarry/store"
)

// Group is a command's group as COMMAND DOCS names it.
type Group string

// The groups of Redis' own documentation that Quarry has commands in.
const (
	Generic      Group = "generic"
	SortedSet    Group = "sorted-set"
	Connection   Group = "connection"
	ServerGroup  Group = "server"
	StringGroup  Group = "string"
	HashGroup    Group = "hash"
	SetGroup     Group = "set"
	ListGroup    Group = "list"
	GeoGroup     Group = "geo"
	BloomGroup   Group = "bf"
	ClusterGroup Group = "cluster"
	PubSub       Group = "pubsub"
	Transactions Group = "transactions"
	// Hunt is the group of our own commands.
	Hunt Group = "hunt"
)

// Flag is one property of a command that the gate, COMMAND INFO or the ACL
// categories are derived from.
type Flag uint32

// The flags, with Redis' names (see flagNames). Those from AllShards on are our own.
const (
	Write                Flag = 1 << iota // changes data; refused on a read-only replica, logged
	ReadOnly                              // reads data, changes nothing
	DenyOOM                               // refused when used memory is over maxmemory
	Admin                                 // operators only: ACL category @admin, @dangerous
	PubSubFlag                            // belongs to pub/sub
	NoScript                              // not callable from scripts (shown in COMMAND INFO only)
	Blocking                              // may park its client
	Loading                               // allowed while the data set is loading
	Stale                                 // allowed on a stale replica
	SkipMonitor                           // not shown to MONITOR
	SkipSlowlog                           // not entered in SLOWLOG
	Fast                                  // O(1) or O(log N): ACL category @fast, else @slow
	NoAuth                                // allowed before AUTH
	MayReplicate                          // may be logged although not Write
	NoMulti                               // refused inside MULTI
	MovableKeys                           // keys are found by looking at the arguments; derived from Keys
	NoAsyncLoading                        // not allowed during asynchronous loading
	NoMandatoryKeys                       // a key argument may be absent
	AllowBusy                             // allowed while a slow command runs
	Dangerous                             // ACL category @dangerous without @admin
	KeyspaceCat                           // ACL category @keyspace
	TouchesArbitraryKeys                  // works on keys it does not name
	Verbatim                              // a call that changed data is logged as it was sent,
	SelfPropagate                         // or as effects that the handler gives (effect.go); both: it depends on the call
	AllShards                             // the gate locks every shard, in order (FLUSHALL, DBSIZE)
	LocksShards                           // locks shards itself, none being locked; in a transaction all are, and it locks none (SCAN)
	NotQueued                             // runs at once also after MULTI
	RunsQueue                             // EXEC: the gate locks the shards of the commands queued since MULTI
	Hidden                                // found when it is called, and shown nowhere
	InSubscribed                          // allowed to a client of RESP2 that is subscribed to something
	HeldAsWrite                           // CLIENT PAUSE WRITE holds it up although it does not change data
	PushReplies                           // answers with any number of pushes, see Reply
)

// flagNames lists the flags that COMMAND INFO shows, in Redis' order.
var flagNames = []struct {
	flag Flag
	name string
}{
	{Write, "write"}, {ReadOnly, "readonly"}, {DenyOOM, "denyoom"}, {Admin, "admin"}, {PubSubFlag, "pubsub"},
	{NoScript, "noscript"}, {Blocking, "blocking"}, {Loading, "loading"}, {Stale, "stale"},
	{SkipMonitor, "skip_monitor"}, {SkipSlowlog, "skip_slowlog"}, {Fast, "fast"}, {NoAuth, "no_auth"},
	{MayReplicate, "may_replicate"}, {NoMandatoryKeys, "no_mandatory_keys"}, {NoAsyncLoading, "no_async_loading"},
	{NoMulti, "no_multi"}, {MovableKeys, "movablekeys"}, {AllowBusy, "allow_busy"},
	{TouchesArbitraryKeys, "touches_arbitrary_keys"},
}

// Access says what a command does with the keys of one key spec, in the words
// of COMMAND INFO's key specifications.
type Access uint16

// RO, RW, OW and RM are exclusive; the others add to them.
const (
	RO         Access = 1 << iota // reads the value
	RW                            // reads and changes the value
	OW                            // overwrites the value, whatever it was
	RM                            // removes the key
	AccessOp                      // "access": returns or copies the user's data
	InsertOp                      // "insert": adds data, changes none
	UpdateOp                      // "update": changes data
	DeleteOp                      // "delete": removes data
	Variable                      // "variable_flags": depends on the arguments
	Incomplete                    // "incomplete": not all keys are found
	NotKey                        // "not_key": a name that only decides about a cluster's slot; exclusive too
)

// Keys is one key specification: where keys begin and how many there are.
// The search begins at argument Index (1 = the first after the name), or, if
// Keyword is set, after that keyword, searched from Index on (backwards from
// the end when Index is negative).
//
// From there either a range (Last relative to the beginning, 0 for that one
// argument, -1 for up to the last argument, -2 for up to the one before;
// Step between keys) or, with KeyNum, a number-of-keys argument at the
// beginning, the keys following it.
type Keys struct {
	Index   int
	Keyword string
	Last    int
	Step    int
	Limit   int
	KeyNum  bool
	Access  Access
	// Unknown: where the keys are depends on more than the description can say; Notes tells
	// of it, and Find, if set, is the position of the one key in a call, 0 if there is none.
	Unknown bool
	Notes   string
	Find    func(args [][]byte) int
	// Vary is what one call does, where Access is Variable.
	Vary func(args [][]byte) Access
}

// KeyAt is the key specification of one key at argument index.
func KeyAt(index int, a Access) []Keys { return []Keys{{Index: index, Step: 1, Access: a}} }

// noted adds a remark to key specifications.
func noted(keys []Keys, notes string) []Keys {
	for i := range keys {
		keys[i].Notes = notes
	}
	return keys
}

// KeyRange is the key specification of keys from argument first to argument
// last of the whole command; last counts from the end when negative.
func KeyRange(first, last, step int, a Access) []Keys {
	if last >= 0 {
		last -= first
	}
	return []Keys{{Index: first, Last: last, Step: step, Access: a}}
}

// KeyNum is the key specification of a numkeys argument at index and the keys after it.
func KeyNum(index int, a Access) []Keys {
	return []Keys{{Index: index, KeyNum: true, Step: 1, Access: a}}
}

// ArgType is the type of an argument in COMMAND DOCS; it also chooses the
// generator that random-call tests draw from.
type ArgType string

// The argument types of COMMAND DOCS.
const (
	TypeString  ArgType = "string"
	TypeInteger ArgType = "integer"
	TypeDouble  ArgType = "double"
	TypeKey     ArgType = "key"
	TypePattern ArgType = "pattern"
	TypeTime    ArgType = "unix-time"
	TypeToken   ArgType = "pure-token"
	TypeOneOf   ArgType = "oneof"
	TypeBlock   ArgType = "block"
)

// Arg describes one argument, or a group of them (oneof, block), as COMMAND
// DOCS shows it. Key is the index into Spec.Keys of a TypeKey argument.
type Arg struct {
	Name     string
	Type     ArgType
	Token    string
	Summary  string
	Since    string
	Optional bool
	Multiple bool
	// MultipleToken: the token is repeated before each repetition.
	MultipleToken bool
	Key           int
	Sub           []Arg
}

// Spec is one row of the command table. Everything Quarry knows about a
// command beside the code of its handler is here or derived from here.
type Spec struct {
	Name       string // upper case; "CLIENT" for a container, "LIST" for its subcommand
	Group      Group
	Since      string
	Summary    string // our own wording, one sentence without a full stop
	Complexity string
	Arity      int // with the name; negative: at least
	Flags      Flag
	Keys       []Keys
	// Seeks is the position of the argument that a call with one member looks up in the
	// value at its first argument; negative: counted from the end; 0: it does not. See Sought.
	Seeks int
	// Roams reports whether a call works on keys that its arguments do not name: all shards
	// are locked for it. nil: none does, unless the command is AllShards.
	Roams   func(args [][]byte) bool
	Args    []Arg
	History [][2]string // version, change
	Tips    []string    // COMMAND INFO's tips
	// Cats adds ACL categories ("@hunt") to those derived from Flags and Group.
	Cats []string
	// Run is the handler; nil for a pure container.
	Run func(c *Ctx)
	// Subs are the subcommands of a container.
	Subs []Spec
	// DeprecatedSince and ReplacedBy are shown by COMMAND DOCS.
	DeprecatedSince, ReplacedBy string
	// System: other servers send it, no users.
	System bool

	keyFirst bool // the first argument is a key

	parent *Spec
	index  int // position in Table.All: counters and histograms are arrays over it
	full   string
	subs   map[string]*Spec
}

// FullName is the lower-case name; a subcommand's carries its container:
// "client|list".
func (s *Spec) FullName() string { return s.full }

// Index is the position of s in [Table.All].
func (s *Spec) Index() int { return s.index }

// Parent is the container of a subcommand, or nil.
func (s *Spec) Parent() *Spec { return s.parent }

// Has reports whether all of the flags f are set.
func (s *Spec) Has(f Flag) bool { return s.Flags&f == f }

// HasKeys reports whether calls may have keys.
func (s *Spec) HasKeys() bool {
	return slices.ContainsFunc(s.Keys, func(k Keys) bool { return k.Access != NotKey })
}

// LocksAll reports whether a call needs every shard locked.
func (s *Spec) LocksAll(args [][]byte) bool {
	return s.Has(AllShards) || s.Roams != nil && s.Roams(args)
}

// ArityOK reports whether a call with n arguments (the name included) is long enough.
func (s *Spec) ArityOK(n int) bool {
	return s.Arity >= 0 && n == s.Arity || s.Arity < 0 && n >= -s.Arity
}

// Sought is the key that a call of s looks up first, and the member it looks up
// there, if it does; false if its first argument is no key. The gate has the
// memory for a pipeline of such calls ready by it.
func (s *Spec) Sought(args [][]byte) (l store.Lookup, ok bool) {
	if !s.keyFirst || len(args) < 2 {
		return l, false
	}
	l.Key = args[1]
	i := s.Seeks
	if i < 0 {
		i += len(args)
	}
	if i > 1 && i < len(args) {
		l.Member = args[i]
	}
	return l, true
}

// KeyFirst reports whether the first argument of a call is a key.
func (s *Spec) KeyFirst() bool { return s.keyFirst }

// FlagNames lists s's flags as COMMAND INFO shows them.
func (s *Spec) FlagNames() []string {
	var names []string
	for _, f := range flagNames {
		if s.Flags&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// Categories lists s's ACL categories, "@" included: derived from Flags, Group
// and Keys as Redis derives its implicit ones, plus Cats.
func (s *Spec) Categories() []string {
	var cats []string
	add := func(c string) {
		if !slices.Contains(cats, c) {
			cats = append(cats, c)
		}
	}
	for _, c := range s.Cats {
		add(c)
	}
	if c := groupCategories[s.Group]; c != "" && s.Run != nil {
		add(c) // a pure container is in no group's category, its subcommands are
	}
	if s.Has(KeyspaceCat) {
		add("@keyspace")
	}
	if s.Has(Write) {
		add("@write")
	}
	if s.Has(ReadOnly) && !slices.Contains(s.Cats, "@scripting") {
		add("@read")
	}
	if s.Has(Admin) {
		add("@admin")
		add("@dangerous")
	}
	if s.Has(Dangerous) {
		add("@dangerous")
	}
	if s.Has(PubSubFlag) {
		add("@pubsub")
	}
	if s.Has(Blocking) {
		add("@blocking")
	}
	if s.Has(Fast) {
		add("@fast")
	} else {
		add("@slow")
	}
	slices.SortStableFunc(cats, func(a, b string) int { return categoryOrder(a) - categoryOrder(b) })
	return cats
}

// categories are Redis' ACL categories in the order COMMAND INFO lists them.
var categories = []string{
	"@keyspace", "@read", "@write", "@set", "@sortedset", "@list", "@hash", "@string", "@bitmap", "@hyperloglog",
	"@geo", "@stream", "@pubsub", "@admin", "@fast", "@slow", "@blocking", "@dangerous", "@connection",
	"@transaction", "@scripting",
}

// categoryOrder is the place of a category in COMMAND INFO: Redis' own first, ours after them.
func categoryOrder(c string) int {
	if i := slices.Index(categories, c); i >= 0 {
		return i
	}
	return len(categories)
}

var groupCategories = map[Group]string{
	SortedSet: "@sortedset", Connection: "@connection", StringGroup: "@string", HashGroup: "@hash",
	SetGroup: "@set", ListGroup: "@list", GeoGroup: "@geo", Transactions: "@transaction",
	BloomGroup: "@bloom",
	Hunt:       "@hunt",
}

// FirstKey, LastKey and KeyStep are the legacy triple of COMMAND INFO.
func (s *Spec) FirstKey() (first, last, step int) {
	if len(s.Keys) == 0 || s.Keys[0].Keyword != "" {
		return 0, 0, 0
	}
	k := s.Keys[0]
	if k.KeyNum {
		return 0, 0, 0
	}
	// Adjacent specs (ZRANGESTORE dst src, SUNIONSTORE dst src ...) read as one range.
	first, last, step = k.Index, k.Index+k.Last, k.Step
	if k.Last < 0 {
		last = k.Last
	}
	for _, n := range s.Keys[1:] {
		if n.Keyword == "" && !n.KeyNum && !n.Unknown && last >= 0 && n.Index == last+1 {
			if last += 1 + n.Last; n.Last < 0 {
				last = n.Last
			}
		}
	}
	return first, last, step
}

// AppendKeys appends the positions in args of the keys of this call to dst.
// It returns false if the arguments are not of the form the key specs ask
// for (a numkeys that is no number or reaches past the end).
func (s *Spec) AppendKeys(dst []int, args [][]byte) ([]int, bool) {
	ok := true
	for i := range s.Keys {
		var good bool
		if dst, good = s.Keys[i].appendTo(dst, args); !good {
			ok = false
		}
	}
	return dst, ok
}

func (k *Keys) appendTo(dst []int, args [][]byte) ([]int, bool) {
	if k.Access == NotKey {
		return dst, true
	}
	if k.Unknown {
		if k.Find != nil {
			if i := k.Find(args); i > 0 {
				dst = append(dst, i)
			}
		}
		return dst, true
	}
	first := k.Index
	if k.Keyword != "" {
		if first = k.findKeyword(args); first == 0 {
			return dst, true // an optional clause that is not there
		}
	}
	if k.KeyNum {
		if first >= len(args) {
			return dst, false
		}
		n, ok := parseInt(args[first])
		if !ok || n < 1 || n > int64(len(args)-first-1) {
			return dst, false
		}
		for i := range int(n) {
			dst = append(dst, first+1+i*k.Step)
		}
		return dst, true
	}
	last := first + k.Last
	if k.Last < 0 {
		last = len(args) + k.Last
	}
	if last >= len(args) {
		return dst, false
	}
	for i := first; i <= last; i += k.Step {
		dst = append(dst, i)
	}
	return dst, true
}

// accessIn is what a call does with these keys.
func (k *Keys) accessIn(args [][]byte) Access {
	if k.Vary != nil {
		return k.Vary(args)
	}
	return k.Access
}

func (k *Keys) findKeyword(args [][]byte) int {
	if k.Index < 0 {
		for i := len(args) + k.Index; i > 0; i-- {
			if equalFold(args[i], k.Keyword) {
				return i + 1
			}
		}
		return 0
	}
	for i := k.Index; i < len(args)-1; i++ {
		if equalFold(args[i], k.Keyword) {
			return i + 1
		}
	}
	return 0
}

// Table is the command table: built once at start, read-only afterwards.
type Table struct {
	all    []*Spec // commands and subcommands; Spec.Index is the position here
	top    []*Spec // commands, sorted by name, without the hidden ones
	byName map[string]*Spec
}

// All lists every command and subcommand; Spec.Index is a position in it.
func (t *Table) All() []*Spec { return t.all }

// Commands lists the top-level commands by name, without those that are Hidden.
func (t *Table) Commands() []*Spec { return t.top }

// Lookup finds the command that args[0] names, in any letter case, and its
// subcommand if it is a container. sub is nil for a plain command, and for a
// container whose args[1] names none of its subcommands.
func (t *Table) Lookup(args [][]byte) (cmd, sub *Spec) {
	var low [32]byte
	cmd = t.byName[string(lower(low[:0], args[0]))]
	if cmd != nil && cmd.subs != nil && len(args) > 1 {
		sub = cmd.subs[string(lower(low[:0], args[1]))]
	}
	return cmd, sub
}

// ByName finds a command by its full name ("zadd", "client|list") in any case,
// unless it is Hidden.
func (t *Table) ByName(name string) *Spec {
	name = strings.ToLower(name)
	top, sub, isSub := strings.Cut(name, "|")
	s := t.byName[top]
	switch {
	case s == nil || s.Has(Hidden):
		return nil
	case isSub:
		return s.subs[sub]
	}
	return s
}

// Categories lists the ACL categories, "@" included: all of Redis', also those that no command here is in, and after
// them our own.
func (t *Table) Categories() []string {
	cats := slices.Clone(categories)
	for _, s := range t.all {
		for _, c := range s.Categories() {
			if !slices.Contains(cats, c) {
				cats = append(cats, c)
			}
		}
	}
	return cats
}

// lower appends b in lower case to dst; names longer than dst's capacity are
// cut, which no command's name can equal.
func lower(dst, b []byte) []byte {
	if len(b) > cap(dst) {
		return dst
	}
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// NewTable builds the table from the families. It panics on a row that breaks
// the table's rules: that is a bug found at the first start, never at run time.
func NewTable(families ...[]Spec) *Table {
	t := &Table{byName: map[string]*Spec{}}
	for _, family := range families {
		family = slices.Clone(family) // a table's rows are its own: several servers may run in one process
		for i := range family {
			s := &family[i]
			t.add(s, nil)
			if t.byName[s.full] != nil {
				panic("commands: " + s.full + " is in the table twice")
			}
			t.byName[s.full] = s
			if !s.Has(Hidden) {
				t.top = append(t.top, s)
			}
		}
	}
	slices.SortFunc(t.top, func(a, b *Spec) int { return strings.Compare(a.full, b.full) })
	return t
}

func (t *Table) add(s *Spec, parent *Spec) {
	s.parent, s.full = parent, strings.ToLower(s.Name)
	if parent != nil {
		s.full = parent.full + "|" + s.full
	}
	if err := s.check(); err != nil {
		panic("commands: " + s.full + ": " + err.Error())
	}
	for _, k := range s.Keys {
		if k.KeyNum || k.Unknown || k.Keyword != "" {
			s.Flags |= MovableKeys
		} else if k.Index == 1 && k.Access != NotKey {
			s.keyFirst = true
		}
	}
	s.index = len(t.all)
	t.all = append(t.all, s)
	if s.Subs == nil {
		return
	}
	s.Subs, s.subs = slices.Clone(s.Subs), map[string]*Spec{}
	for i := range s.Subs {
		sub := &s.Subs[i]
		t.add(sub, s)
		s.subs[strings.ToLower(sub.Name)] = sub
	}
}

func (s *Spec) check() error {
	switch {
	case s.Name == "" || strings.ToUpper(s.Name) != s.Name:
		return fmt.Errorf("name %q is not upper case", s.Name)
	case s.Summary == "" || s.Since == "" || s.Group == "":
		return fmt.Errorf("summary, since and group are wanted")
	case s.Arity == 0:
		return fmt.Errorf("arity is wanted")
	case s.Run == nil && s.Subs == nil:
		return fmt.Errorf("no handler")
	case s.Has(Write) && s.Has(ReadOnly):
		return fmt.Errorf("both write and readonly")
	case s.Has(Write) != (s.Flags&(Verbatim|SelfPropagate) != 0):
		return fmt.Errorf("a write command, and no other, says how it is logged: Verbatim or SelfPropagate")
	}
	for _, k := range s.Keys {
		if k.Access&(RO|RW|OW|RM|NotKey) == 0 {
			return fmt.Errorf("a key spec says nothing about access")
		}
		if (k.Vary != nil) != (k.Access&Variable != 0) {
			return fmt.Errorf("an access that varies wants Variable and Vary")
		}
		if k.Access&(RW|OW|RM) != 0 && !s.Has(Write) {
			return fmt.Errorf("changes a key but is not a write command")
		}
	}
	return nil
}
