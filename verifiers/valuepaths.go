package verifiers

import (
	"errors"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// valuePaths are paths to single values in a JSON text.
type valuePaths jsonpath.Paths

// mustPaths parses paths that stand in the code.
func mustPaths(texts ...string) (paths valuePaths) {
	for _, text := range texts {
		path, err := jsonpath.ParsePath(text)
		if err != nil {
			panic(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// foundText is what stands at a path.
type foundText struct {
	text string
	kind jsonpath.Kind // zero if nothing stands there
	err  error
}

// texts returns what stands at each path. Null is as good as nothing, and what is no single value
// is none.
func (ps valuePaths) texts(json []byte) []foundText {
	found := make([]jsonpath.Found, len(ps))
	jsonpath.Paths(ps).Find(json, found)
	all := make([]foundText, len(ps))
	for i, f := range found {
		all[i].kind = f.Value.Kind()
		switch null, _ := f.Value.IsNull(); {
		case errors.Is(f.Err, jsonpath.ErrAmbiguous):
			all[i].err = ErrFieldRepeated
		case f.Err != nil || null:
			all[i].err = ErrFieldMissing
		default:
			var err error
			if all[i].text, err = f.Value.Scalar(); err != nil {
				all[i].err = ErrFieldMissing
			}
		}
	}
	return all
}
