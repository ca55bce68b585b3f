package field

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quarry/store/zset"
)

// thingOf draws a record; kept within what a member may have.
func thingOf(rnd *rand.Rand) *thing {
	t := &thing{x: rnd.NormFloat64(), y: math.Ldexp(rnd.Float64(), rnd.IntN(300)), hasZ: rnd.IntN(2) == 0, hasSeq: rnd.IntN(2) == 0}
	if t.hasZ {
		t.z = -1.5
	}
	if t.hasSeq {
		t.seq = rnd.Int64() - rnd.Int64()
	}
	if rnd.IntN(2) == 0 {
		t.expiresAt = 1 + rnd.Int64N(math.MaxInt64)
	}
	for id := range MaxNames {
		if rnd.IntN([]int{300, 40, 2}[rnd.IntN(3)]) == 0 {
			t.numbers = append(t.numbers, number{uint8(id), rnd.NormFloat64()})
		}
	}
	for i := range rnd.IntN([]int{1, 5, MaxTags + 1}[rnd.IntN(3)]) {
		t.tags = append(t.tags, Tag{fmt.Appendf(nil, "tag%03d", i), []byte(strings.Repeat("x", rnd.IntN(MaxTextLen+1)))})
	}
	if t.hasPayload = rnd.IntN(2) == 0; t.hasPayload {
		t.payload = bytes.Repeat([]byte{7}, rnd.IntN(100))
	}
	return t
}

func (t *thing) equal(o *thing) bool {
	return t.x == o.x && t.y == o.y && t.z == o.z && t.hasZ == o.hasZ && t.expiresAt == o.expiresAt && t.seq == o.seq && t.hasSeq == o.hasSeq &&
		slices.Equal(t.numbers, o.numbers) && t.hasPayload == o.hasPayload && bytes.Equal(t.payload, o.payload) &&
		slices.EqualFunc(t.tags, o.tags, func(a, b Tag) bool { return bytes.Equal(a.Name, b.Name) && bytes.Equal(a.Text, b.Text) })
}

// TestValue: what is written is sound, fits, and reads back.
func TestValue(t *testing.T) {
	rnd := newRand(t)
	spilled := 0
	for range 20_000 {
		a := thingOf(rnd)
		hashes := make([]byte, hashSize*len(a.tags))
		value, inline := a.appendValue(nil, hashes)
		tail := a.appendTail(nil, inline)
		if err := checkValue(value); err != nil {
			t.Fatal(err)
		}
		v := view{value}
		if err := checkTail(v, tail); err != nil {
			t.Fatal(err)
		}
		if len(value) > zset.MaxValue {
			t.Fatalf("a value of %d bytes", len(value))
		}
		if v.has(moreNumbers) && v.has(moreTags) {
			spilled++
		}
		var b thing
		if b.read(v, tail); !a.equal(&b) {
			t.Fatalf("%+v reads back as %+v", a, b)
		}
		for _, n := range a.numbers[:inline] {
			if got, ok := findNumber(v.numbers(), n.id); got != n.value || !ok {
				t.Fatalf("numeric field %d is %v, want %v", n.id, got, n.value)
			}
		}
	}
	if spilled == 0 {
		t.Error("nothing did not fit the value")
	}
}

// TestPlainMember: the bytes that the documentation promises.
func TestPlainMember(t *testing.T) {
	a := &thing{numbers: []number{{0, 1}}}
	if value, inline := a.appendValue(nil, nil); len(value) != 27 || a.appendTail(nil, inline) != nil {
		t.Errorf("a plain member has %d bytes", len(value))
	}
}

// FuzzValue: whatever bytes pass the checks can be read, and written again as they were read.
func FuzzValue(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		a := thingOf(rnd)
		value, inline := a.appendValue(nil, make([]byte, hashSize*len(a.tags)))
		f.Add(value, a.appendTail(nil, inline))
	}
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, value, tail []byte) {
		if checkValue(value) != nil || checkTail(view{value}, tail) != nil {
			return
		}
		v := view{value}
		var a, b thing
		a.read(v, tail)
		again, inline := a.appendValue(nil, slices.Concat(v.hashes(), make([]byte, hashSize*(len(a.tags)-int(value[1]>>4)))))
		if b.read(view{again}, a.appendTail(nil, inline)); !a.equal(&b) && !hasNaN(&a) {
			t.Fatalf("%+v is written as %+v", a, b)
		}
	})
}

// hasNaN: places are checked by the field, not by the codec.
func hasNaN(t *thing) bool { return t.x != t.x || t.y != t.y || t.z != t.z }
