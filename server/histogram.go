package server

import "math/bits"

// histogram counts times in nanoseconds. Below 16 every value has a bucket;
// above, every power of two has 16, so that a value is known within 6 percent:
//
//	bucket 16*(s+1) + m   holds   (16+m)<<s   to   (16+m+1)<<s - 1      0 <= m < 16
//
// Values from 2^40 on (18 minutes) are in the last bucket.
type histogram struct {
	counts [buckets]int64
	total  int64
}

const (
	subBits = 4
	maxBits = 40
	buckets = (maxBits - subBits + 1) << subBits
)

func bucketOf(ns int64) int {
	v := uint64(min(max(ns, 0), 1<<maxBits-1))
	if v < 1<<subBits {
		return int(v)
	}
	s := bits.Len64(v) - 1 - subBits
	return s<<subBits + int(v>>s)
}

// bucketEnd is the greatest value of a bucket.
func bucketEnd(b int) int64 {
	if b < 1<<subBits {
		return int64(b)
	}
	s := b>>subBits - 1
	m := int64(b) & (1<<subBits - 1)
	return (1<<subBits+m+1)<<s - 1
}

// add counts a value n times.
func (h *histogram) add(ns, n int64) {
	h.counts[bucketOf(ns)] += n
	h.total += n
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// percentile is the value in nanoseconds that p percent of the values do not
// exceed; 0 if there are none.
func (h *histogram) percentile(p float64) int64 {
	if h.total == 0 {
		return 0
	}
	left := max(int64(p/100*float64(h.total)+0.5), 1)
	for i, n := range h.counts {
		if left -= n; left <= 0 {
			return bucketEnd(i)
		}
	}
	return bucketEnd(buckets - 1)
}
