package verifiers

import "strings"

// ReplayKey says in words what two copies of a delivery of the scheme are known by: the place of
// the signed id where there is one, and what stands in where it is missing. It is "" for a scheme
// that New refuses.
func (s Scheme) ReplayKey() string {
	r, err := compile(s)
	if err != nil {
		return ""
	}
	if s.code != nil && s.code.replayKey != "" {
		return s.code.replayKey
	}
	var keys []string
	for _, id := range r.ids {
		if !id.signed {
			break
		}
		keys = append(keys, id.text)
		if !id.inBody() {
			return strings.Join(keys, ", else ")
		}
	}
	otherwise := "MAC"
	switch {
	case r.algorithm.kind == tokenKind:
		otherwise = "hash of the body"
	case r.byContent():
		otherwise = "hash of the signed content"
	}
	return strings.Join(append(keys, otherwise), ", else ")
}
