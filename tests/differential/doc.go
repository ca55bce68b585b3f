// Package differential holds Quarry against a real redis-server: the same calls
// to both, replies and end states compared. It has only tests:
//
//   - every transcript's calls (transcripts_test.go);
//   - random calls, valid and invalid, of every command, generated from the
//     command table's own argument descriptions (random_test.go, generate_test.go);
//   - COMMAND INFO, DOCS, LIST and GETKEYS, the ACL categories and HELP of every command both
//     know (command_test.go);
//   - README's list of the commands that only Redis has (readme_test.go).
//
// Where the two may differ, a row of a table says so and why: rules
// (compare_test.go) for replies that are no function of the calls alone, newer
// (version_test.go) for what came after the oracle's version.
package differential
