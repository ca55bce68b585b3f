package slab

import (
	"bytes"
	"testing"
)

// FuzzObjects takes objects and blobs and gives them back, as the fuzzer decides: each keeps its bytes, all of
// them are found by an audit, and no memory is left.
func FuzzObjects(f *testing.F) {
	f.Add([]byte("\x00\x10\x00\x40\x20\x00\x60\x05\x40\x00\x80\xff\xa0\x30\xc0\x07\xe0\x01"))
	f.Add(bytes.Repeat([]byte("\x00\x04\x01\x04\x21\x03\x81\xff\xc1\x20\x41\x01"), 30))
	f.Fuzz(func(t *testing.T, ops []byte) {
		h, region := newHeap(t)
		type object struct {
			ref  Ref
			want []byte
			blob bool
		}
		var live []object
		bytesOf := func(o object) []byte {
			if o.blob {
				return h.AppendBlob(nil, o.ref)
			}
			return h.R(o.ref).Bytes(0, len(o.want))
		}
		for step := 0; step < 400 && len(ops) >= 2; step++ {
			op, n := ops[0], int(ops[1])
			ops = ops[2:]
			size := min(1+n<<(op&15%9), MaxSize)
			switch op >>= 5; {
			case op == 0 || len(live) == 0:
				o := object{ref: h.Alloc(size), want: bytes.Repeat([]byte{byte(step)}, size)}
				h.W(o.ref).Copy(0, o.want)
				live = append(live, o)
			case op == 4:
				o := object{want: bytes.Repeat([]byte{byte(step)}, n*400), blob: true}
				o.ref = h.PutBlob(o.want)
				live = append(live, o)
			case op < 3:
				i := n % len(live)
				o := live[i]
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
				if o.blob {
					h.FreeBlob(o.ref)
				} else {
					h.Free(o.ref)
				}
			default:
				switch o := &live[n%len(live)]; {
				case !o.blob:
					o.ref = h.Resize(o.ref, size, min(size, len(o.want)))
					o.want = o.want[:min(size, len(o.want))]
				case op == 5:
					grown := len(o.want) + size
					o.ref = h.GrowBlob(o.ref, grown)
					h.WriteBlob(o.ref, len(o.want), bytes.Repeat([]byte{7}, size))
					o.want = append(o.want, bytes.Repeat([]byte{7}, size)...)
				case op == 6:
					part := min(size, len(o.want))
					o.want = o.want[:part]
					old := o.ref
					o.ref = h.CopyBlob(h, old, part)
					h.FreeBlob(old)
				case len(o.want) > 0:
					at := n * 300 % len(o.want)
					part := bytes.Repeat([]byte{byte(step)}, min(size, len(o.want)-at))
					h.WriteBlob(o.ref, at, part)
					copy(o.want[at:], part)
				}
			}
			if step%8 != 0 && len(ops) >= 2 {
				continue
			}
			a, err := h.Audit()
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range live {
				if got := bytesOf(o); !bytes.Equal(got, o.want) {
					t.Fatalf("step %d: object %#x of %d bytes has lost them", step, uint32(o.ref), len(o.want))
				}
				if o.blob {
					err = a.OwnBlob(o.ref)
				} else {
					err = a.Own(o.ref, len(o.want))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Rest(); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range live {
			if o.blob {
				h.FreeBlob(o.ref)
			} else {
				h.Free(o.ref)
			}
		}
		h.Trim()
		if h.Pages() != 0 || region.Used() != 0 {
			t.Errorf("%d pages are left", h.Pages())
		}
	})
}
