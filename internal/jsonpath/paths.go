package jsonpath

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
		err = v.members(func(name, value []byte) error {
			for i, p := range ps {
				same, err := equalKey(name, p.steps[0])
				switch {
				case err != nil:
					return err
				case !same:
				case found[i].Value.text != nil:
					found[i].Err = ErrAmbiguous
				default:
					found[i].Value.text = value
				}
			}
			return nil
		})
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
