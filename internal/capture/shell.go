package capture

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errQuote = errors.New("a quotation mark is not closed")

// splitWords splits a command line into its words, as sh and bash do, without replacing anything: there
// are no variables and no commands in what is captured. What a browser copied for cmd.exe is known by its
// carets.
func splitWords(line string) ([]string, error) {
	if strings.Contains(line, "^\"") || strings.Contains(line, "^\n") || strings.Contains(line, "^\r\n") {
		line = withoutCarets(line)
	}
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
			i++
			continue
		case c == '\\':
			i++
			if strings.HasPrefix(line[i:], "\r\n") {
				i += 2
				continue
			}
			if i < len(line) && line[i] == '\n' {
				i++
				continue
			}
			if i < len(line) {
				word.WriteByte(line[i])
				i++
			}
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, errQuote
			}
			word.WriteString(line[i+1 : i+1+end])
			i += end + 2
		case c == '$' && strings.HasPrefix(line[i:], "$'"):
			n, err := ansi(&word, line[i+2:])
			if err != nil {
				return nil, err
			}
			i += 2 + n
		case c == '"':
			n, err := double(&word, line[i+1:])
			if err != nil {
				return nil, err
			}
			i += 1 + n
		default:
			word.WriteByte(c)
			i++
		}
		inWord = true
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// double writes what stands up to a double quotation mark, and returns how long it is with the mark.
func double(word *strings.Builder, s string) (int, error) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1, nil
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0:
			i++
			word.WriteByte(s[i])
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\n':
			i++
		default:
			word.WriteByte(s[i])
		}
	}
	return 0, errQuote
}

// ansi writes what stands up to the end of $'…', and returns how long it is with the mark.
func ansi(word *strings.Builder, s string) (int, error) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\'' {
			return i + 1, nil
		}
		if s[i] != '\\' || i+1 == len(s) {
			word.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			word.WriteByte('\n')
		case 'r':
			word.WriteByte('\r')
		case 't':
			word.WriteByte('\t')
		case 'a', 'b', 'e', 'E', 'f', 'v':
			word.WriteByte(map[byte]byte{'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'v': 11}[c])
		case 'x':
			i += code(word, s[i+1:], 2, 16, true)
		case 'u':
			i += code(word, s[i+1:], 4, 16, false)
		case 'U':
			i += code(word, s[i+1:], 8, 16, false)
		case '0', '1', '2', '3', '4', '5', '6', '7':
			i += code(word, s[i:], 3, 8, true) - 1
		default:
			word.WriteByte(c)
		}
	}
	return 0, errQuote
}

// code writes the byte or letter of a number of up to most digits, and returns how many there are.
func code(word *strings.Builder, s string, most, base int, isByte bool) int {
	n := 0
	for n < most && n < len(s) {
		if _, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil {
			break
		}
		n++
	}
	value, err := strconv.ParseUint(s[:n], base, 32)
	switch {
	case err != nil:
	case isByte:
		word.WriteByte(byte(value))
	case value <= utf8.MaxRune:
		word.WriteRune(rune(value))
	}
	return n
}

// withoutCarets undoes the escapes of cmd.exe: a caret makes the next character an ordinary one, and at the
// end of a line goes on with the next.
func withoutCarets(line string) string {
	line = strings.ReplaceAll(line, "\r\n", "\n")
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '^' || i+1 == len(line) {
			b.WriteByte(line[i])
			continue
		}
		i++
		if line[i] == '\n' {
			// A line break itself is a caret and two of them.
			if i+1 < len(line) && line[i+1] == '\n' {
				b.WriteByte('\n')
				i++
			}
			continue
		}
		b.WriteByte(line[i])
	}
	return b.String()
}
