package outbound

// SetJitter makes schedules predictable: 0.5 leaves their delays as they are.
func (h *Hub) SetJitter(jitter func() float64) { h.jitter = jitter }

// Cut is cut, for lists of ids.
func Cut(list []string, p Page, keep func(string) bool) ([]string, bool) {
	return cut(list, p, func(id string) string { return id }, keep)
}
