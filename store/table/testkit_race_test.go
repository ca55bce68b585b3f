//go:build race

package table

// underRace says that the tests run some ten times slower and look for something else.
const underRace = true
