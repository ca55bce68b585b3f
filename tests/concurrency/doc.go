// Package concurrency drives one server with many clients at once, over several
// event loops and shards, and checks what must hold whatever the order was:
// nothing is lost or seen twice, no increment and no wake-up is missed, and
// every structure of the store is whole. It has only tests, which mean most under
// the race detector.
package concurrency
