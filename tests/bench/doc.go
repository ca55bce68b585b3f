// Package bench measures Quarry beside Debian's redis-server, on one machine
// and in one run; the README's tables are what it prints. It has only tests.
//
// As an ordinary test it runs everything with a few thousand rows and some
// milliseconds a measurement. That proves the machinery: both servers give equal replies
// to the load it generates, every request sent was answered and counted by the
// server, nothing failed or missed. Time is never asserted. The real run is
//
//	go test ./tests/bench -run TestPeers -full -v -timeout 40m
//	go test ./tests/bench -run TestBeside -full -v -timeout 40m
//	go test ./tests/bench -run TestPlaces -full -v -timeout 60m
//	go test ./tests/bench -run TestFields -full -v -timeout 40m
//	go test ./tests/bench -run TestDurable -full -v -timeout 20m
//	go test ./tests/bench -run TestSnapshotPause -full -v -timeout 40m
//	go test ./tests/bench -run TestStart -full -v -timeout 40m
//	go test ./tests/bench -run TestBig -big -v -timeout 30m
//
// with -rows=1000000 -seconds=2 -rounds=3 -conns=50 -pipelines=16,1 as defaults and
// -workloads=zadd,'h*' to choose some by name or pattern. TestPeers/speed, /latency and
// /memory are the parts of the first, which is about boards; those of the second, about
// what lives beside them, TestBeside/speed, /publish, /memory and /expiry; those of
// the third, about places, TestPlaces/speed, /reach, /latency, /crowd, /memory and /radius,
// which draws docs/radius.svg; and those of the last one, about fields, which only Quarry has,
// TestFields/filters, /rounds, /crowd and /memory.
//
// # What is measured
//
// Speed: requests per server-CPU-second, the requests answered divided by the
// user and system time that all threads of the server took for them, from
// /proc/PID/stat. Requests per second of the clock would say little: the load
// generator, the kernel's loopback and whatever else runs take the same cores as
// the server, and a fast server would mostly wait for its clients.
// What a request costs the server is its own, and tells how much one core can
// do. Connections send a batch of requests, await all replies, and send the next.
//
// Where a request takes a server milliseconds, as a search of thousands of places does, there are only as
// many connections as get a reply for each batch within the measurement: on more, requests
// would only wait. All that were sent are awaited and counted, with their CPU time, also beyond its end.
//
// Latency: an open loop. Requests are due at random times (a Poisson process, as
// of many clients that know nothing of each other) at a fixed mean rate, and
// are sent when they are due however late earlier replies are. A request's time counts
// from when it was due, so that a stall is charged to every request behind it. What the sender is late with
// goes out together, in one write for each connection.
// The rates are half of what the slower server reached in a closed loop just
// before, for both, and half of its own for each.
//
// Places: a million on 1 x 1 degree, evenly, and again in towns; fewer take less room, so that as many
// are within a kilometre. Searches are made where places are. What a search costs that has more and
// more in its reach is compared with the first of its table, in turns; Redis, whose costs
// grow with what is in reach, is not asked for the nearest of all. The plot shows both, by radius.
//
// Crowd: all members move and others search among them, in one open loop with a rate for each.
//
// Rounds: players of a game who move and look around 60 times a second, each on a connection and at a moment
// of its own. A round counts from when it was due until both replies have come, so it has in it what
// the network and the client's waking take; what the searches take of it the server tells.
//
// Memory: bytes a row as MEMORY USAGE accounts them and as the growth of the
// resident set, each shape of data in fresh servers; then RSS by used_memory.
// The rows "after updates" are taken again after as many ZADDs or GEOADDs of random members
// as there are rows. Keys beside boards are measured by the growth of used_memory, which
// has what a keyspace costs in it.
//
// Transactions: a request is MULTI, three writes and EXEC in one write, as drivers send
// it; it counts once.
//
// Publish: a thousand connections listen to one channel, four publish to it in a closed
// loop. A delivery is a message that a subscriber has received; CPU time is taken when all are there.
//
// Expiry: -rows keys are given one moment to expire at. An open loop of few requests to other
// keys shows how long the longest of them waits then, and what it waits without.
//
// Durability: the log is on, in a directory of each server's own on one disk, and not rewritten
// unless that is what is measured. TestDurable takes what requests cost then, for each appendfsync. TestSnapshotPause
// (10,000,000 rows) takes latencies in an open loop at half of the server's own capacity, and saves one
// time after the other meanwhile. Extra memory is the most that the resident set of the process grew by; what a fork of
// Redis copies is the child's and not in it, but in what the server says of itself. TestStart (10,000,000 rows)
// has each server write a snapshot and a log, and both start from both.
//
// TestBig is about one sorted set of -rows (10,000,000 with -big): what the Go heap and
// the garbage collector do meanwhile, what DEL of it costs its caller, and how
// long others wait while its memory is given back.
//
// # Noise
//
// The two servers are measured in turns, within a round one right after the other
// and with the same requests; figures are medians over the rounds, and the
// ratio's range over the rounds stands behind it. Linux gives CPU time
// in steps of 10 ms, half a percent of a measurement of two seconds. CPU time is
// not free of the neighbours either: they cool the caches and, where
// hyper-threads are shared, slow every instruction; both servers suffer
// alike. A latency is that of the client too, on the same cores as the server: its
// wake-ups are in the figures, for both servers, and where the column "sent late" is
// near the latency itself, the machine was measured and not the server. Do not
// compare figures of different runs, only ratios.
//
// # The generator
//
// One goroutine a connection writes requests into a buffer of its own and
// counts replies without building them; a request costs it some 100 ns and no
// allocation, beside the system calls. The open loop has one sender, which sleeps on
// a thread of its own, since the runtime's timers may be late by a millisecond; the
// table says how late it was all the same.
package bench
