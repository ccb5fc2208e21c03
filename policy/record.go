package policy

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// checked returns a JSON value, which has passed a check or is part of one that has, as a value
// for CEL's operators. Reading it can't fail.
func checked(s *scope, value jsonpath.Value) ref.Val {
	switch value.Kind() {
	case jsonpath.Object:
		return &record{scope: s, value: value}
	case jsonpath.Array:
		return newList(s, value)
	}
	s.spend(value.Len())
	scalar, err := readScalar(value)
	mustRead(err)
	return scalar
}

// mustRead ends an evaluation in which something could not be read although it was checked. That
// is a defect of this package; the evaluation fails because of it and no rule matches.
func mustRead(err error) {
	if err != nil {
		panic(fmt.Errorf("policy: checked JSON could not be read: %w", err))
	}
}

// list is a JSON array as a CEL list. It is CEL's own list of its elements, except that the
// operations that look at all of them take from the evaluation's work.
type list struct {
	traits.Lister
	scope *scope
	size  int
}

func newList(s *scope, value jsonpath.Value) ref.Val {
	s.spend(4 * value.Len()) // each element becomes a value
	var elements []ref.Val
	mustRead(value.EachElement(func(element jsonpath.Value) error {
		elements = append(elements, checked(s, element))
		return nil
	}))
	return &list{Lister: types.NewRefValList(types.DefaultTypeAdapter, elements), scope: s, size: value.Len()}
}

// Contains implements CEL's "in".
func (l *list) Contains(value ref.Val) ref.Val {
	l.scope.spend(l.size)
	return l.Lister.Contains(value)
}

// Equal implements CEL's "==".
func (l *list) Equal(other ref.Val) ref.Val {
	l.scope.spend(sum(l.size, product(64, count(l))))
	return l.Lister.Equal(other)
}

// Fold implements CEL's comprehensions.
func (l *list) Fold(f traits.Folder) { types.ToFoldableList(l.Lister).Fold(f) }

// record is a JSON object as a CEL map. Members are read one by one out of the text; only what
// looks at all of them makes it a map, of CEL's own kind.
type record struct {
	scope *scope
	value jsonpath.Value
	reads int
	all   traits.Mapper
}

// manyReads is after how many reads of single members a record becomes a map: each read steps
// over the whole text, which costs about a fifth of reading it all.
const manyReads = 4

// Find implements CEL's Mapper.
func (r *record) Find(key ref.Val) (ref.Val, bool) {
	if r.reads++; r.all != nil || r.reads > manyReads {
		return r.members().Find(key)
	}
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	r.scope.spend(r.scope.stepping(r.value))
	value, err := r.value.Get(string(name))
	if err != nil {
		return nil, false // it can only be missing
	}
	return checked(r.scope, value), true
}

// members returns the record as a map.
func (r *record) members() traits.Mapper {
	if r.all == nil {
		r.scope.spend(8 * r.value.Len()) // each member becomes an entry
		members := make(map[string]ref.Val)
		mustRead(r.value.EachMember(func(name string, value jsonpath.Value) error {
			members[name] = checked(r.scope, value)
			return nil
		}))
		r.all = types.NewMap(types.DefaultTypeAdapter, members)
	}
	return r.all
}

// Get implements CEL's Indexer.
func (r *record) Get(key ref.Val) ref.Val {
	value, found := r.Find(key)
	if !found {
		return failed(MissingKey)
	}
	return value
}

// Contains implements CEL's "in".
func (r *record) Contains(key ref.Val) ref.Val {
	_, found := r.Find(key)
	return types.Bool(found)
}

// Equal implements CEL's "==".
func (r *record) Equal(other ref.Val) ref.Val {
	r.scope.spend(256 + 4*r.value.Len()) // comparing maps takes a while even if they are small
	return r.members().Equal(other)
}

// Iterator implements CEL's Iterable, over the names.
func (r *record) Iterator() traits.Iterator { return r.members().Iterator() }

// Fold implements CEL's comprehensions.
func (r *record) Fold(f traits.Folder) { types.ToFoldableMap(r.members()).Fold(f) }

// Size implements CEL's size().
func (r *record) Size() ref.Val { return r.members().Size() }

// ConvertToNative implements CEL's Val.
func (r *record) ConvertToNative(to reflect.Type) (any, error) {
	return r.members().ConvertToNative(to)
}

// ConvertToType implements CEL's Val.
func (r *record) ConvertToType(to ref.Type) ref.Val {
	switch to {
	case types.MapType:
		return r
	case types.TypeType:
		return types.MapType
	}
	return failed(WrongType)
}

// Type implements CEL's Val.
func (r *record) Type() ref.Type { return types.MapType }

// Value implements CEL's Val.
func (r *record) Value() any { return r.members().Value() }

// Interface guards.
var (
	_ traits.Lister   = (*list)(nil)
	_ traits.Foldable = (*list)(nil)
	_ traits.Mapper   = (*record)(nil)
	_ traits.Foldable = (*record)(nil)
)
