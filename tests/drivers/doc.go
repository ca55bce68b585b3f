// Package drivers lets real clients talk to Quarry: go-redis, redis-cli and
// redis-benchmark, each the way its users do. It has only tests.
package drivers
