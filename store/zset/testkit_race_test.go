//go:build race

package zset

// underRace says that the tests run some ten times slower and look for something else.
const underRace = true
