// Package cities is the main job on real input: places of the world with their
// population as score, one board for the world and one for each country. What
// the boards say is compared with a real redis-server and with the rows
// themselves, and the examples are the README's tutorials. The nearest places are looked for among all those of
// the world. It has only tests.
//
// The rows in testdata are an excerpt; the environment variable QUARRY_CITIES
// names the whole file to run with it instead.
package cities
