package verifiers

// ReplayKey says in words what two copies of a delivery of the scheme are known by: the place of
// the signed id where there is one, and what stands in where it is missing. It is "" for a scheme
// that New refuses.
func (s Scheme) ReplayKey() string {
	r, err := compile(s)
	if err != nil {
		return ""
	}
	otherwise := "MAC"
	if r.several {
		otherwise = "hash of the signed content"
	}
	if len(r.ids) == 0 || !r.ids[0].signed {
		return otherwise
	}
	if first := r.ids[0]; first.kind == inJSON {
		return first.text + ", else " + otherwise
	}
	return r.ids[0].text
}
