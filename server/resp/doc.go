// Package resp speaks the Redis protocol: [Framer] cuts a client's bytes into
// commands, [Writer] encodes the replies. It is the only package that knows
// redcon's codec.
//
// # Input
//
// A command arrives as an array of bulk strings,
//
//	*3\r\n $4\r\nZADD\r\n $5\r\nboard\r\n $2\r\n10\r\n      (without the blanks)
//
// or, typed by hand, as an inline line of words: PING\r\n. What clients send
// is untrusted, so lengths are checked before they mean anything and memory
// follows the bytes that arrived, never the ones that were announced. The
// limits and the error texts are Redis' own, and so are its liberties: it
// finds the end of a length line at "\r" and takes the byte after it unseen,
// does not look at the two bytes that close a bulk string, and never finds
// the end of a line that holds a zero byte. redcon's own parsers are not used
// for input: they trust lengths, and parse again from the beginning whenever
// more bytes come.
//
// # Output
//
// Replies are appended to one slice. RESP2's types come from redcon's Append
// functions; double.go and writer.go add what RESP3 and Redis' way of printing
// numbers ask for.
//
// Reading order: framer.go, inline.go, writer.go, double.go.
package resp
