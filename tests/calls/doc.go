// Package calls draws random calls of the commands from the descriptions of their arguments:
// for tests that compare servers, and for fuzzing.
package calls
