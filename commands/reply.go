package commands

// Reply encodes one command's answer in the protocol the client speaks: RESP2
// or, after HELLO 3, RESP3. A handler writes exactly one reply: one scalar, or
// one aggregate followed by its elements. Commands with the flag PushReplies (SUBSCRIBE and its kin)
// write any number of pushes instead, or an error: CLIENT REPLY does not silence pushes.
//
// Where the two protocols differ in kind, the method says so; where a command
// differs in shape (flat or nested pairs), the handler asks Proto.
type Reply interface {
	// Proto is 2 or 3.
	Proto() int
	// Status is a simple string: OK, PONG. s must hold no line break.
	Status(s string)
	// Error is an error line; msg starts with its code: "ERR ...", "WRONGTYPE ...".
	Error(msg string)
	// Int is an integer.
	Int(n int64)
	// Bulk is a bulk string. b is copied.
	Bulk(b []byte)
	// Str is a bulk string.
	Str(s string)
	// Double is a double in RESP3, a bulk string in RESP2; the shortest
	// decimal form that reads back as f in both, inf and -inf.
	Double(f float64)
	// BulkDouble is Double's text as a bulk string in both protocols, for the
	// few commands that keep to that (ZSCAN).
	BulkDouble(f float64)
	// Bool is a boolean in RESP3, the integer 0 or 1 in RESP2.
	Bool(b bool)
	// Null is the null of RESP3 and the null bulk string of RESP2.
	Null()
	// NullArray is the null of RESP3 and the null array of RESP2.
	NullArray()
	// Array begins an array of n elements.
	Array(n int)
	// Map begins a map of n pairs, in RESP2 an array of 2n.
	Map(n int)
	// Set begins a set of n elements, in RESP2 an array.
	Set(n int)
	// Push begins an out-of-band push of n elements, in RESP2 an array.
	Push(n int)
	// Verbatim is a verbatim string of a three-letter format ("txt") in RESP3, a bulk string in RESP2.
	Verbatim(format, s string)
	// BeginBulk begins a bulk string of n bytes, which follow by Raw in as many pieces as there are,
	// with a line break after them.
	BeginBulk(n int)
	// Raw appends bytes that are already encoded.
	Raw(b []byte)
	// Defer begins an array, and DeferSet a set, whose length is not known yet, and returns a
	// mark; Patch(mark, n) puts the length in when the n elements are written.
	// They nest like brackets.
	Defer() int
	DeferSet() int
	Patch(mark, n int)
	// Undo takes back everything written since Mark returned m, for a handler
	// that finds an error midway.
	Mark() int
	Undo(m int)
}
