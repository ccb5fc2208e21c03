package policy

import (
	"net/http"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// headers is a delivery's headers as a place: names in lower case, fields of one name joined as
// RFC 9110 section 5.3 does. A header may stand twice, so that is no ambiguity.
type headers struct {
	unread
	header http.Header
}

// Get implements place.
func (h *headers) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return failed(WrongType)
	}
	values := h.header[http.CanonicalHeaderKey(string(name))]
	if len(values) == 0 || strings.ToLower(string(name)) != string(name) {
		return failed(MissingKey)
	}
	return types.String(strings.Join(values, ", "))
}

// IsSet implements place.
func (h *headers) IsSet(key ref.Val) ref.Val { return isSet(h.Get(key)) }

func (h *headers) whole() ref.Val {
	all := make(map[string]string, len(h.header))
	for name, values := range h.header {
		if len(values) > 0 && http.CanonicalHeaderKey(name) == name {
			all[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return types.NewMap(types.DefaultTypeAdapter, all)
}
