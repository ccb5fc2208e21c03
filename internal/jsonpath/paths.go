package jsonpath

import "bytes"

// Paths are several paths that are followed through the same texts.
type Paths []Path

// Found is what one of several paths leads to.
type Found struct {
	Value Value
	Err   error
}

// Find follows every path through the JSON in text and writes to found what each leads to: found
// has the length of the paths. It is what [Path.Find] returns for each of them, but reads the
// outermost object, which is most of the work, only once for all.
func (ps Paths) Find(text []byte, found []Found) {
	clear(found)
	v, err := Parse(text)
	if err == nil && v.Kind() != Object {
		for i, p := range ps {
			found[i].Value, found[i].Err = p.Find(text)
		}
		return
	}
	if err == nil {
		err = v.members(func(name, value []byte) error { return ps.match(name, value, found) })
	}
	for i, p := range ps {
		f := &found[i]
		switch {
		case f.Err != nil: // ambiguous, whatever is wrong further on
		case err != nil:
			f.Err = err
		case f.Value.text == nil:
			f.Err = ErrMissing
		case len(p.steps) > 1:
			f.Value, f.Err = Path{steps: p.steps[1:]}.Find(f.Value.text)
		}
		if f.Err != nil {
			f.Value = Value{}
		}
	}
}

// match notes the value of the member name for the paths that begin with it. A name that can't be
// decoded is no name at all, so the object can't be read.
func (ps Paths) match(name, value []byte, found []Found) error {
	if bytes.IndexByte(name, '\\') >= 0 {
		decoded, err := unquote(name)
		if err != nil {
			return err
		}
		name = []byte(decoded)
	}
	for i := range ps {
		switch {
		case string(name) != ps[i].steps[0]:
		case found[i].Value.text != nil:
			found[i].Err = ErrAmbiguous
		default:
			found[i].Value.text = value
		}
	}
	return nil
}
