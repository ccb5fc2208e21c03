package outbound

import "time"

// SetJitter makes schedules predictable: 0.5 leaves their delays as they are.
func (h *Hub) SetJitter(jitter func() float64) { h.jitter = jitter }

// Cut is a page of a list of ids, of which a few are looked at at a time.
func Cut(list []string, p Page, keep func(string) bool, atOnce int) ([]string, bool) {
	l := listing[string, string]{
		list:   func() []string { return list },
		id:     func(id string) string { return id },
		keep:   keep,
		public: func(id string) string { return id },
		most:   atOnce,
	}
	return l.page(new(session), p)
}

// SetNow replaces the clock.
func (h *Hub) SetNow(now func() time.Time) { h.now = now }
