package commands

import (
	"fmt"
	"math"

	"quarry/store"
	"quarry/store/field"
)

var huntPutCommands = []Spec{
	{
		Name: "HUNT.PUT", Group: Hunt, Since: huntSince,
		Summary:    "Puts members at places in a field, with a deadline, numeric fields, tags and a payload, or moves and changes those it has",
		Complexity: "O(log(N)) for each member, N being the size of the field",
		Arity:      -5, Flags: Write | DenyOOM | Fast | SelfPropagate, Keys: KeyAt(1, RW|UpdateOp), Seeks: -1,
		Args: []Arg{
			keyArg("key"),
			optional(oneOf("condition", token("NX"), token("XX"))),
			optional(namedToken("change", "CH")),
			optional(oneOf("expiration",
				withToken("EX", intArg("seconds")), withToken("PX", intArg("milliseconds")),
				withToken("EXAT", timeArg("unix-time-seconds")), withToken("PXAT", timeArg("unix-time-milliseconds")),
				token("KEEPTTL"))),
			optional(withToken("SEQ", intArg("sequence"))),
			optional(withToken("FIELDS", block("numbers", intArg("num-fields"), multiple(block("fields", stringArg("name"), doubleArg("value")))))),
			optional(withToken("TAGS", block("words", intArg("num-tags"), multiple(block("tags", stringArg("name"), stringArg("text")))))),
			optional(withToken("PAYLOAD", stringArg("payload"))),
			multiple(block("place", doubleArg("x"), doubleArg("y"), optional(doubleArg("z")), stringArg("member"))),
		},
		Run: huntPut,
	},
}

var (
	errNamesCount = fmt.Sprintf("ERR FIELDS takes 1 to %d names with their values", field.MaxNames)
	errTagsCount  = fmt.Sprintf("ERR TAGS takes 1 to %d names with their texts", field.MaxTags)
	errNameLen    = fmt.Sprintf("ERR a name has 1 to %d bytes", field.MaxNameLen)
	errTextLen    = fmt.Sprintf("ERR a tag's text has at most %d bytes", field.MaxTextLen)
)

const errNotFinite = "ERR numeric fields must be finite numbers"

// putCall is what a call of HUNT.PUT asks for, beside its places.
type putCall struct {
	field.Change
	changed bool // CH
	expiry  expiryKind
	when    []byte
}

func huntPut(c *Ctx) {
	p := &c.putting
	p.reset()
	c.hunted = true
	rest, problem := p.parse(c.Args[2:])
	if problem != "" {
		c.Error(problem)
		return
	}
	if p.expiry.timed() {
		var ok bool
		if p.ExpiresAt, ok = p.expiry.time(c, p.when); !ok {
			return
		}
	}
	f, err := c.DB.FieldForWrite(c.Args[1])
	if c.fail(err) {
		return
	}
	step := f.Shape().Dims + 1
	if !c.huntPlaces(f, rest, step) || !c.huntRoom(f, rest, step) {
		return
	}
	purge := c.huntDue(f)
	var done [field.Removed + 1]int
	for i := range len(rest) / step {
		at := c.scores[i*(step-1):]
		z := 0.0
		if step == 4 {
			z = at[2]
		}
		member := rest[i*step+step-1]
		o := f.Put(member, at[0], at[1], z, &p.Change)
		if o == field.Removed { // and so are all others that have a member to remove
			if done[o] == 0 {
				c.huntPurged(purge)
			}
			c.Effect(3, "HUNT.DEL").Bytes(c.Args[1]).Bytes(member)
		}
		done[o]++
	}
	c.huntPutDone(f, &done)
	if !c.changed {
		return
	}
	if done[field.Removed] == 0 {
		c.huntPurged(purge)
		c.huntPutEffect(rest)
	}
	c.huntGone(f)
}

// Where effects are run again no member's time is over, and what takes the place of a member that was over here must not find
// it there: who changes a field has those removed first (HUNT.PURGE).

// huntDue reports whether the time of some member of the field may be over.
func (c *Ctx) huntDue(f *store.Field) bool { return f.Due() != 0 && f.Due() < c.NowMS }

func (c *Ctx) huntPurged(due bool) {
	if due {
		c.Effect(3, "HUNT.PURGE").Bytes(c.Args[1]).Int(c.NowMS)
	}
}

// huntGone is the effect of a field's having gone with its last member; others may be left where effects are run again, whose time is over.
func (c *Ctx) huntGone(f *store.Field) {
	if !f.Exists() {
		c.Effect(2, "DEL").Bytes(c.Args[1])
	}
}

// huntPutEffect is the call with the time at which members go, if they do.
func (c *Ctx) huntPutEffect(places [][]byte) {
	if !c.Journal {
		return
	}
	p := &c.putting
	n := 2 + len(places)
	for _, words := range []struct {
		there bool
		n     int
	}{
		{p.Only != 0, 1}, {p.expiry.timed(), 2}, {p.KeepTTL, 1}, {p.HasSeq, 2}, {len(p.Names) > 0, 2 + 2*len(p.Names)},
		{len(p.Tags) > 0, 2 + 2*len(p.Tags)}, {p.HasPayload, 2},
	} {
		if words.there {
			n += words.n
		}
	}
	e := c.Effect(n, "HUNT.PUT").Bytes(c.Args[1])
	switch p.Only {
	case field.NX:
		e.Str("NX")
	case field.XX:
		e.Str("XX")
	}
	switch {
	case p.expiry.timed():
		e.Str("PXAT").Int(p.ExpiresAt)
	case p.KeepTTL:
		e.Str("KEEPTTL")
	}
	if p.HasSeq {
		e.Str("SEQ").Int(p.Seq)
	}
	if len(p.Names) > 0 {
		e.Str("FIELDS").Int(int64(len(p.Names)))
		for i, name := range p.Names {
			e.Bytes(name).Score(p.Values[i])
		}
	}
	if len(p.Tags) > 0 {
		e.Str("TAGS").Int(int64(len(p.Tags)))
		for _, t := range p.Tags {
			e.Bytes(t.Name).Bytes(t.Text)
		}
	}
	if p.HasPayload {
		e.Str("PAYLOAD").Bytes(p.Payload)
	}
	e.All(places)
}

// huntPutDone tells of what a call has done, and answers it.
func (c *Ctx) huntPutDone(f *store.Field, done *[field.Removed + 1]int) {
	if done[field.Added]+done[field.Changed] > 0 {
		c.Modified(ClassModule, "hunt.put", c.Args[1])
	}
	if done[field.Removed] > 0 {
		c.Modified(ClassModule, "hunt.del", c.Args[1])
		c.goneWith(f)
	}
	n := done[field.Added]
	if c.putting.changed {
		n += done[field.Changed] + done[field.Removed]
	}
	c.Int(int64(n))
}

func (p *putCall) reset() {
	p.Change.Reset()
	p.changed, p.expiry, p.when = false, expiryNone, nil
}

// end forgets the call's arguments.
func (p *putCall) end() {
	p.reset()
	p.Forget()
}

// parse takes the options off the front of args and leaves the places.
func (p *putCall) parse(args [][]byte) (rest [][]byte, problem string) {
	for len(args) > 0 {
		n := 1
		kind := expiryNamed(args[0])
		switch {
		case equalFold(args[0], "NX") && p.Only != field.XX:
			p.Only = field.NX
		case equalFold(args[0], "XX") && p.Only != field.NX:
			p.Only = field.XX
		case equalFold(args[0], "CH"):
			p.changed = true
		case kind != expiryNone:
			if kind == expiryPersist || p.expiry != expiryNone && p.expiry != kind || kind.timed() && len(args) < 2 {
				return nil, errSyntax
			}
			p.expiry, p.KeepTTL = kind, kind == expiryKeepTTL
			if kind.timed() {
				p.when, n = args[1], 2
			}
		case equalFold(args[0], "SEQ") && len(args) > 1:
			var ok bool
			if p.Seq, ok = parseInt(args[1]); !ok {
				return nil, errNotInt
			}
			p.HasSeq, n = true, 2
		case equalFold(args[0], "FIELDS") && len(p.Names) == 0:
			n, problem = p.parseNumbers(args)
		case equalFold(args[0], "TAGS") && len(p.Tags) == 0:
			n, problem = p.parseTags(args)
		case equalFold(args[0], "PAYLOAD") && len(args) > 1:
			p.Payload, p.HasPayload, n = args[1], true, 2
		default:
			return args, checkPlaces(args)
		}
		if problem != "" {
			return nil, problem
		}
		args = args[n:]
	}
	return nil, errSyntax
}

var putTokens = [...]string{"NX", "XX", "SEQ", "FIELDS", "TAGS", "PAYLOAD"}

// checkPlaces says what is wrong with what follows the options, if it does not look like places at all.
func checkPlaces(args [][]byte) (problem string) {
	_, ok := parseFloat(args[0])
	if ok {
		return ""
	}
	for _, t := range putTokens {
		if equalFold(args[0], t) { // for the second time, or without what belongs to it
			return errSyntax
		}
	}
	if len(args)%3 != 0 && len(args)%4 != 0 {
		return errSyntax // an option that there is not
	}
	return ""
}

// parseCounted reads the number after a token, of pairs of which there must be as many; n is the number of arguments in all.
func parseCounted(args [][]byte, most int, problem string) (pairs [][]byte, n int, _ string) {
	if len(args) < 2 {
		return nil, 0, errSyntax
	}
	count, ok := parseInt(args[1])
	switch {
	case !ok:
		return nil, 0, errNotInt
	case count < 1 || count > int64(most):
		return nil, 0, problem
	case len(args) < 2+2*int(count):
		return nil, 0, errSyntax
	}
	n = 2 + 2*int(count)
	return args[2:n], n, ""
}

// parseNumbers reads FIELDS.
func (p *putCall) parseNumbers(args [][]byte) (n int, problem string) {
	pairs, n, problem := parseCounted(args, field.MaxNames, errNamesCount)
	for i := 0; i < len(pairs); i += 2 {
		value, ok := parseFloat(pairs[i+1])
		switch {
		case len(pairs[i]) < 1 || len(pairs[i]) > field.MaxNameLen:
			return 0, errNameLen
		case !ok:
			return 0, errNotFloat
		case math.IsInf(value, 0):
			return 0, errNotFinite
		}
		p.Names, p.Values = append(p.Names, pairs[i]), append(p.Values, value+0) // -0 is 0
	}
	return n, problem
}

// parseTags reads TAGS.
func (p *putCall) parseTags(args [][]byte) (n int, problem string) {
	pairs, n, problem := parseCounted(args, field.MaxTags, errTagsCount)
	for i := 0; i < len(pairs); i += 2 {
		switch {
		case len(pairs[i]) < 1 || len(pairs[i]) > field.MaxNameLen:
			return 0, errNameLen
		case len(pairs[i+1]) > field.MaxTextLen:
			return 0, errTextLen
		}
		p.Tags = append(p.Tags, field.Tag{Name: pairs[i], Text: pairs[i+1]})
	}
	return n, problem
}

// huntPlaces reads the coordinates of all places into c.scores, or answers what is wrong with one.
func (c *Ctx) huntPlaces(f *store.Field, rest [][]byte, step int) bool {
	if len(rest)%step != 0 {
		c.Error(errDimensions(step-1) + " member")
		return false
	}
	c.emptyScores()
	for i, arg := range rest {
		if i%step == step-1 {
			continue
		}
		v, ok := parseFloat(arg)
		if !ok {
			c.Error(errNotFloat)
			return false
		}
		c.scores = append(c.scores, v)
	}
	for at := c.scores; len(at) > 0; at = at[step-1:] {
		z := 0.0
		if step == 4 {
			z = at[2]
		}
		if err := f.Refuses(at[0], at[1], z); err != nil {
			c.Error("ERR " + err.Error())
			return false
		}
	}
	return true
}

// memberBytes is about what a member takes beside its name, by package field.
const memberBytes = 48

// huntRoom says what else stands against a call, before it begins: numeric fields or tags that are too many, or
// memory for what each of many members is to get.
func (c *Ctx) huntRoom(f *store.Field, rest [][]byte, step int) bool {
	p := &c.putting.Change
	err := f.RefusesNames(p)
	for i := step - 1; i < len(rest) && err == nil && len(p.Tags) > 0; i += step {
		err = f.RefusesTags(rest[i], p, c.NowMS)
	}
	if c.fail(err) {
		return false
	}
	each := memberBytes + len(p.Payload) + 9*len(p.Names)
	for _, t := range p.Tags {
		each += 2 + len(t.Name) + len(t.Text)
	}
	// What one member takes the gate has looked for.
	if n := len(rest) / step; n > 1 && !c.DB.Store().Room(int64(n)*int64(each)) {
		c.Error(ErrOOM)
		return false
	}
	return true
}
