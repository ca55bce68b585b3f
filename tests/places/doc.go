// Package places tests searches for places against brute force, over the wire: that they find all that lies in a shape and nothing
// else, in the right order, wherever it is and however it lies; and that redis-server finds the same but for what it
// is known to miss, which is what lies outside of the areas it looks through.
package places
