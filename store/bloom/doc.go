// Package bloom is the filter behind the BF commands: what was added to it is always found again, and what was
// not is found by mistake no more often than was promised. All of it lies off-heap.
//
// # Chain, links, lanes, blocks
//
// A filter is a chain of links, each made for a number of items (its capacity) and a rate of mistakes. When the
// last one is full, another one follows it, of the capacity before times the expansion, and of half the rate: the
// first has half of what was promised, so that the sum over all of them, however many, stays below it
// (Almeida, Baquero, Preguica, Hutchison: Scalable Bloom Filters, 2007). Since a look-up asks all links, there are not to be
// many: after 32 of them each has at least twice the capacity of the one before, whatever the expansion. A filter that does not expand has one link of
// the rate promised.
//
// A link consists of lanes, and a lane of blocks of 64 bytes, a line of cache. An item has a block in each lane and, in
// each of its eight words of 64 bits, one bit (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom
// Filters, 2007; here "sectorized", so that the rate is a closed formula instead of an estimate, see plan.go). An item is
// found in a link if its bits are set in all lanes. So a look-up reads one line a lane, and one line
// of a link that does not have the item, nearly always. A link of a rate down to 0.025 % has one lane, others one for each
// twelve bits of -log2 of it: the rates of lanes multiply.
//
// The bits come from go-metro's 128-bit hash of the item, of which the halves a and b give lane i the block of
// a + i*b (Kirsch, Mitzenmacher: Less Hashing, Same Performance, 2006) and the bits of b, mixed with i.
//
// # Seed
//
// The hash has a seed that no client knows (Env.Seed), or whoever knows it could make items that a filter
// finds by mistake. Each filter keeps the one it was made with, in memory and in files, so that it may go to another shard, process
// or machine; who may DUMP a filter can read it there. metro is no cryptographic hash; what could be done about the one attack we
// know, key.go does.
//
// # Two forms
//
//   - Small: header, links and bits are one object of the shard's heap, of up to 32 KiB.
//   - Large: pages of its own, of which those whose bits are all 0 are not there: a filter of 1 GB is made at
//     once, takes memory as it fills, and is dropped or moved by handing over its arena. See layout.go.
//
// # Memory
//
// An item of a link of 1 % takes 10.3 bits, where the optimum, 1.44 bits times -log2 of the rate, is 9.6; of 0.5 %, as
// the first link of a filter of 1 % is, 11.9; of 0.1 % 16.0, and of 0.0001 % 31.8, where 28.7 are the optimum.
package bloom
