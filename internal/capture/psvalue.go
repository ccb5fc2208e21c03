package capture

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// psReader reads the words and values of PowerShell.
type psReader struct{ text string } // what is left

// psValue is a text or a table.
type psValue struct {
	text  string
	table [][2]string
}

var errPowerShell = errors.New("PowerShell of a kind that is not read here: give the header fields and the body as options")

// accept takes a text that comes next, whatever its case.
func (r *psReader) accept(word string) bool {
	if len(r.text) < len(word) || !strings.EqualFold(r.text[:len(word)], word) {
		return false
	}
	r.text = r.text[len(word):]
	return true
}

// blanks skips what stands between words, and between statements too.
func (r *psReader) blanks(statements bool) {
	for {
		r.text = strings.TrimLeft(r.text, " \t")
		switch {
		case r.accept("`\r\n"), r.accept("`\n"):
		case statements && strings.HasPrefix(r.text, "#"):
			_, r.text, _ = strings.Cut(r.text, "\n")
		case statements && (r.accept("\r") || r.accept("\n") || r.accept(";")):
		default:
			return
		}
	}
}

// atEnd reports whether a command ends here.
func (r *psReader) atEnd() bool {
	return r.text == "" || strings.ContainsRune("\r\n;|)>", rune(r.text[0]))
}

// skipStatement skips the rest of a line.
func (r *psReader) skipStatement() { _, r.text, _ = strings.Cut(r.text, "\n") }

// name reads the name of a variable or a parameter.
func (r *psReader) name() string {
	end := strings.IndexFunc(r.text, func(c rune) bool {
		return c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	})
	if end < 0 {
		end = len(r.text)
	}
	name := r.text[:end]
	r.text = r.text[end:]
	return strings.ToLower(name)
}

// peekWord returns what stands up to a blank.
func (r *psReader) peekWord() string {
	end := strings.IndexAny(r.text, " \t\r\n;|)")
	if end < 0 {
		end = len(r.text)
	}
	return r.text[:end]
}

// word reads what stands up to a blank.
func (r *psReader) word() string {
	word := r.peekWord()
	r.text = r.text[len(word):]
	return word
}

// values reads so many values with commas between them, and what ends them.
func (r *psReader) values(end string, n int) (all []psValue, err error) {
	for i := range n {
		r.blanks(false)
		if i > 0 && !r.accept(",") {
			return nil, errPowerShell
		}
		r.blanks(false)
		v, err := r.value(nil)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if r.blanks(false); !r.accept(end) {
		return nil, errPowerShell
	}
	return all, nil
}

// value reads a text, a table, a variable, or one of those as the bytes of UTF-8.
func (r *psReader) value(variables map[string]psValue) (v psValue, err error) {
	r.blanks(false)
	switch {
	case r.accept("@{"):
		return r.tableValue(variables)
	case r.accept(`@"`):
		return r.here(`"@`, variables)
	case r.accept("@'"):
		return r.here("'@", nil)
	case r.accept("'"):
		v.text, err = r.single()
		return v, err
	case r.accept(`"`):
		v.text, err = r.double(variables, false)
		return v, err
	case r.accept("[System.Text.Encoding]::UTF8.GetBytes("), r.accept("[Text.Encoding]::UTF8.GetBytes("), r.accept("("):
		if r.blanks(true); r.text == "" || !strings.ContainsRune("'\"$@[(", rune(r.text[0])) {
			return v, errPowerShell // a command
		}
		if v, err = r.value(variables); err != nil {
			return v, err
		}
		if r.blanks(true); !r.accept(")") {
			return v, errPowerShell
		}
		return v, nil
	case r.accept("$"):
		known, ok := variables[r.name()]
		if !ok {
			return v, errVariable
		}
		return known, nil
	}
	v.text = r.word()
	if v.text == "" || strings.ContainsAny(v.text, "$({[@`") {
		return v, errPowerShell
	}
	return v, nil
}

var errVariable = errors.New("a variable whose value the capture doesn't have: write the value in its place")

// tableValue reads a table behind @{.
func (r *psReader) tableValue(variables map[string]psValue) (v psValue, err error) {
	v.table = [][2]string{}
	for {
		if r.blanks(true); r.accept("}") {
			return v, nil
		}
		var key psValue
		if strings.HasPrefix(r.text, "'") || strings.HasPrefix(r.text, `"`) {
			key, err = r.value(variables)
		} else {
			key.text = r.name()
		}
		if err != nil || key.text == "" {
			return v, errPowerShell
		}
		if r.blanks(false); !r.accept("=") {
			return v, errPowerShell
		}
		r.blanks(true)
		value, err := r.value(variables)
		if err != nil {
			return v, err
		}
		v.table = append(v.table, [2]string{key.text, value.text})
	}
}

// here reads a text of several lines. The line breaks at its ends aren't part of it.
func (r *psReader) here(end string, variables map[string]psValue) (v psValue, err error) {
	if !r.accept("\r\n") && !r.accept("\n") {
		return v, errPowerShell
	}
	text, rest, ok := strings.Cut("\n"+r.text, "\n"+end)
	if !ok {
		return v, errQuote
	}
	r.text = rest
	v.text = strings.TrimSuffix(strings.TrimPrefix(text, "\n"), "\r")
	if end == `"@` {
		inner := psReader{v.text}
		v.text, err = inner.double(variables, true)
	}
	return v, err
}

// single reads up to a single quotation mark. Two of them are one.
func (r *psReader) single() (string, error) {
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(r.text, "'")
		if !ok {
			return "", errQuote
		}
		b.WriteString(text)
		r.text = rest
		if !r.accept("'") {
			return b.String(), nil
		}
		b.WriteByte('\'')
	}
}

// psEscapes are the letters that stand for something else behind a backtick.
var psEscapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '0': 0, 'a': 7, 'b': 8, 'f': 12, 'v': 11, 'e': 27}

// double reads up to a double quotation mark, or to the end of a text of several lines.
func (r *psReader) double(variables map[string]psValue, here bool) (string, error) {
	var b strings.Builder
	for r.text != "" {
		switch c := r.text[0]; {
		case c == '"' && !here:
			if r.text = r.text[1:]; !r.accept(`"`) {
				return b.String(), nil
			}
			b.WriteByte('"')
		case c == '`' && len(r.text) > 1:
			escaped := r.text[1]
			r.text = r.text[2:]
			switch plain, ok := psEscapes[escaped]; {
			case ok:
				b.WriteByte(plain)
			case escaped == 'u' && r.accept("{"):
				digits, rest, _ := strings.Cut(r.text, "}")
				code, err := parseRune(digits, 16)
				if err != nil {
					return "", err
				}
				b.WriteRune(code)
				r.text = rest
			default:
				b.WriteByte(escaped)
			}
		case r.accept("$([char]"):
			// Browsers write each half of a pair of UTF-16 by itself.
			code, err := r.char()
			if err == nil && utf16.IsSurrogate(code) && r.accept("$([char]") {
				var low rune
				low, err = r.char()
				code = utf16.DecodeRune(code, low)
			}
			if err != nil {
				return "", err
			}
			b.WriteRune(code)
		case c == '$' && len(r.text) > 1 && r.text[1] == '(':
			return "", errPowerShell
		case c == '$' && (&psReader{r.text[1:]}).name() != "":
			r.text = r.text[1:]
			known, ok := variables[r.name()]
			if !ok {
				return "", errVariable
			}
			b.WriteString(known.text)
		default:
			b.WriteByte(c)
			r.text = r.text[1:]
		}
	}
	if !here {
		return "", errQuote
	}
	return b.String(), nil
}

// char reads a number that stands for a letter, with the bracket behind it.
func (r *psReader) char() (rune, error) {
	digits, rest, _ := strings.Cut(r.text, ")")
	r.text = rest
	return parseRune(digits, 0)
}

// parseRune reads the number of a letter.
func parseRune(digits string, base int) (rune, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(digits), base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, errPowerShell
	}
	return rune(n), nil
}
