//go:build race

package field

// underRace says that the tests run some ten times slower and look for something else.
const underRace = true
