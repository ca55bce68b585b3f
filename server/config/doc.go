// Package config is the server's configuration: one table with one row per
// option (options.go), from which follow the command line, the configuration
// file, CONFIG GET, SET and REWRITE and the sample file.
//
// [Load] reads redis-server's command line and file syntax. Nothing is ignored
// in silence: a directive that is not in the table, a value outside its range
// or a unit that is none stops the start with an [Error] that names the place.
//
// Readers take a value with Load on the option's field of [Config]; that is one
// atomic read, and safe while CONFIG SET changes it.
//
// Reading order: options.go (the table), fields.go (the kinds of values),
// parse.go (lines and files), load.go, set.go, rewrite.go, sample.go.
package config
