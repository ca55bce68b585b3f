// Package style holds the rules of the code that a machine can check, as
// ordinary tests: who imports whom, what rooms stay out of, that exported names
// are documented, that text made from tables matches them. Each failure names
// the place and what to do instead.
package style
