//go:build !race

package zset

const underRace = false
