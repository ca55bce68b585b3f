//go:build !race

package field

const underRace = false
