package eventloop

// timer calls fire on its loop when the loop's clock has reached at.
type timer struct {
	at   int64
	pos  int // 1 + position in the heap, 0: not set
	fire func()
}

// timers is a binary heap of the timers that are set, the earliest first.
type timers []*timer

// set sets t to fire at the given time, or moves it there.
func (h *timers) set(t *timer, at int64) {
	t.at = at
	if t.pos == 0 {
		*h = append(*h, t)
		t.pos = len(*h)
	}
	h.up(t.pos - 1)
	h.down(t.pos - 1)
}

// clear takes t out; it may not be set.
func (h *timers) clear(t *timer) {
	if t.pos == 0 {
		return
	}
	i, last := t.pos-1, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	t.pos = 0
	if i < last {
		h.up(i)
		h.down(i)
	}
}

// due takes out and returns the earliest timer if its time has come.
func (h *timers) due(now int64) *timer {
	if len(*h) == 0 || (*h)[0].at > now {
		return nil
	}
	t := (*h)[0]
	h.clear(t)
	return t
}

// next is the time of the earliest timer.
func (h timers) next() (at int64, ok bool) {
	if len(h) == 0 {
		return 0, false
	}
	return h[0].at, true
}

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i+1, j+1
}

func (h timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h timers) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if h[i].at <= h[child].at {
			return
		}
		h.swap(i, child)
		i = child
	}
}
