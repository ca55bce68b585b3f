// Package drivers lets real clients talk to Quarry, each the way its users do. It
// has only tests.
//
// Four drivers play one scenario, in RESP2 and in RESP3: go-redis, here, and redis-py,
// ioredis and node-redis as scripts in testdata, whose versions are pinned there. They use
// strings, hashes, sets, lists and sorted sets, a pipeline, a transaction that
// must try again, pub/sub, pops that wait, iterators, ask what drivers read with parsers of their own (COMMAND, ACL LOG, CLIENT LIST ...), and provoke errors. The
// same is expected of redis-server, which proves the scenario. The script
// install beside this file fetches the drivers; where they are missing their
// tests are skipped with a word.
//
// Beside these, go-redis is looked at more closely for sorted sets, and redis-cli and
// redis-benchmark as tools.
package drivers
