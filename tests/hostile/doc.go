// Package hostile sends the server what no client should: garbage, half
// commands, absurd lengths, floods, replies nobody reads, connections by the
// thousand. Afterwards the server must answer as before, and its memory,
// goroutines and clients must be back where they were. It has only tests.
package hostile
