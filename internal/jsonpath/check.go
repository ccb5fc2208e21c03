package jsonpath

import (
	"bytes"
	"slices"
)

// Check reads all of the value as strictly as if every part of it were read on its own: the
// grammar, every string and number, and that no object in it has a name twice. The value may
// hold at most limit values, counting itself and those nested at any depth; one more is ErrSize.
// That bounds the memory of the check, which remembers the names of the objects that are open.
func (v Value) Check(limit int) error {
	if v.Kind() == 0 {
		return ErrMissing
	}
	c := checker{text: v.text, left: limit}
	c.open, c.names = c.place[:0], c.room[:0]
	end, err := c.run()
	if err != nil {
		return err
	}
	return atEnd(v.text, end)
}

// checker is the state of one Check.
type checker struct {
	text  []byte
	left  int      // how many values may still come
	open  []int    // per open bracket: for '{' where its names begin in names, for '[' isArray
	names [][]byte // the decoded names of the open objects, outermost first

	// The first room of open and names, so that ordinary values need no allocation.
	place [16]int
	room  [32][]byte
	// Where strings are decoded that nobody keeps.
	scratch []byte
}

const isArray = -1

// run checks the value at the start of the text and returns the index after it.
func (c *checker) run() (int, error) {
	t, i := c.text, 0
	for {
		// A value has to begin at i.
		if c.left--; c.left < 0 {
			return 0, ErrSize
		}
		if i >= len(t) {
			return 0, ErrSyntax
		}
		bracket := t[i] == '{' || t[i] == '['
		var err error
		if bracket {
			i, err = c.enter(i)
		} else {
			i, err = c.scalar(i)
		}
		if err != nil {
			return 0, err
		}
		// Leave what ends here, then go on to the next value.
		for first := bracket; ; first = false {
			if len(c.open) == 0 {
				return i, nil
			}
			i = blanks(t, i)
			if i >= len(t) {
				return 0, ErrSyntax
			}
			names := c.open[len(c.open)-1]
			if (t[i] == '}' && names != isArray) || (t[i] == ']' && names == isArray) {
				if err := c.leave(names); err != nil {
					return 0, err
				}
				i++
				continue
			}
			if !first {
				if t[i] != ',' {
					return 0, ErrSyntax
				}
				i = blanks(t, i+1)
			}
			if names != isArray {
				if i, err = c.name(i); err != nil {
					return 0, err
				}
			}
			break
		}
	}
}

// enter opens the bracket at i and returns the index after it.
func (c *checker) enter(i int) (int, error) {
	if len(c.open) == MaxDepth {
		return 0, ErrDepth
	}
	if c.text[i] == '{' {
		c.open = append(c.open, len(c.names))
	} else {
		c.open = append(c.open, isArray)
	}
	return i + 1, nil
}

// leave closes the innermost bracket, whose names begin at from if it is an object's.
func (c *checker) leave(from int) error {
	c.open = c.open[:len(c.open)-1]
	if from == isArray {
		return nil
	}
	names := c.names[from:]
	c.names = c.names[:from]
	if len(names) > 16 {
		slices.SortFunc(names, bytes.Compare)
		for k := 1; k < len(names); k++ {
			if bytes.Equal(names[k-1], names[k]) {
				return ErrAmbiguous
			}
		}
		return nil
	}
	for k, name := range names {
		for _, other := range names[:k] {
			if bytes.Equal(name, other) {
				return ErrAmbiguous
			}
		}
	}
	return nil
}

// name reads a member's name at i and returns the index of its value.
func (c *checker) name(i int) (int, error) {
	t := c.text
	if i >= len(t) || t[i] != '"' {
		return 0, ErrSyntax
	}
	end, err := stringEnd(t, i+1)
	if err != nil {
		return 0, err
	}
	name := t[i+1 : end]
	literal, err := isLiteral(name)
	if err != nil {
		return 0, err
	}
	if !literal {
		if name, err = unescape(make([]byte, 0, len(name)), name); err != nil {
			return 0, err
		}
	}
	c.names = append(c.names, name)
	if i = blanks(t, end+1); i >= len(t) || t[i] != ':' {
		return 0, ErrSyntax
	}
	return blanks(t, i+1), nil
}

// scalar checks the string, number, boolean or null at i and returns the index after it.
func (c *checker) scalar(i int) (int, error) {
	t := c.text
	switch (Value{text: t[i:]}).Kind() {
	case String:
		end, err := stringEnd(t, i+1)
		if err != nil {
			return 0, err
		}
		raw := t[i+1 : end]
		literal, err := isLiteral(raw)
		if err == nil && !literal {
			c.scratch, err = unescape(c.scratch[:0], raw)
		}
		return end + 1, err
	case Number:
		end, err := numberEnd(t, i)
		if err != nil {
			return 0, err
		}
		return end, inRange(t[i:end])
	}
	return skipScalar(t, i)
}

// inRange checks that a number whose grammar has been checked fits a number type.
func inRange(text []byte) error {
	// No number this short can be too large: saves the conversion of nearly all.
	if len(text) <= 18 && !bytes.ContainsAny(text, "eE") {
		return nil
	}
	_, err := number(string(text))
	return err
}
