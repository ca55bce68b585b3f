package commands_test

import (
	"testing"

	"quarry/tests/transcript"
)

// The transcripts in testdata show what every command answers; package
// transcript says how they are written and played.
func TestTranscripts(t *testing.T) {
	transcript.RunAll(t, "testdata")
}
