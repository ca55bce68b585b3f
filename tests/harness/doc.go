// Package harness is what the tests that span rooms stand on: a server in this
// process ([Start]), the real binary ([StartBinary]), a real redis-server as
// the oracle ([StartRedis]), and a RESP client of our own ([Conn], [Client])
// that shows the bytes, reads every type of RESP2 and RESP3 into a small tree
// ([Value]) and keeps pushes apart from replies.
//
// Everything ends by itself: servers, processes and connections are closed in
// the test's Cleanup, in reverse order, and a server that ran in this process
// must leave no goroutine behind.
package harness
