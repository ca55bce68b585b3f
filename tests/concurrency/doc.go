// Package concurrency drives one server with many clients at once, over several
// event loops and shards, and checks what must hold whatever the order was:
// nothing is lost or seen twice, no increment and no wake-up is missed, and
// every structure of the store is whole. It has only tests, which mean most under
// the race detector.
//
// Short histories are looked at more closely: linearizable_test.go records what five clients
// saw who met on a few keys, in pipelines, in transactions, under WATCH and waiting for
// elements, and porcupine looks for an order of their commands that explains it.
// model_test.go says what the commands do, one after the other; a real redis-server agrees
// with it. torn_test.go shows that histories are refused which are not good: told by hand, and
// recorded of commands that are done in several steps.
package concurrency
