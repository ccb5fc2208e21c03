package capture

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errQuote = errors.New("a quotation mark is not closed")

// splitWords splits a command line into its words, as sh and bash do, without replacing anything: there
// are no variables and no commands in what is captured. What a browser copied for cmd.exe is known by its
// carets.
func splitWords(line string) ([]string, error) {
	if isForCmd(line) {
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

// isForCmd reports whether a command line is written for cmd.exe: its first word behind the program's name, or its
// first line, says so. Anywhere else a caret may be a part of what is sent.
func isForCmd(line string) bool {
	first, _, broken := strings.Cut(line, "\n")
	_, arguments, _ := strings.Cut(strings.TrimSpace(first), " ")
	return strings.HasPrefix(strings.TrimSpace(arguments), "^\"") || broken && strings.HasSuffix(strings.TrimSuffix(first, "\r"), "^")
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
		case 'u':
			value, n := number(s[i+1:], 4, 16)
			i += n
			if utf16.IsSurrogate(rune(value)) && strings.HasPrefix(s[i+1:], `\u`) {
				// Browsers write each half of a pair of UTF-16 by itself.
				low, n := number(s[i+3:], 4, 16)
				value = uint64(utf16.DecodeRune(rune(value), rune(low)))
				i += 2 + n
			}
			writeCode(word, value, n)
		case 'U':
			value, n := number(s[i+1:], 8, 16)
			writeCode(word, value, n)
			i += n
		case 'x':
			value, n := number(s[i+1:], 2, 16)
			if n > 0 {
				word.WriteByte(byte(value))
			}
			i += n
		case '0', '1', '2', '3', '4', '5', '6', '7':
			value, n := number(s[i:], 3, 8)
			word.WriteByte(byte(value))
			i += n - 1
		default:
			word.WriteByte(c)
		}
	}
	return 0, errQuote
}

// number reads a number of up to most digits, and returns how many there are.
func number(s string, most, base int) (value uint64, n int) {
	for n < most && n < len(s) {
		digit, err := strconv.ParseUint(s[n:n+1], base, 8)
		if err != nil {
			break
		}
		value = value*uint64(base) + digit
		n++
	}
	return value, n
}

// writeCode writes the letter of a number that has digits.
func writeCode(word *strings.Builder, value uint64, digits int) {
	if digits > 0 && value <= utf8.MaxRune {
		word.WriteRune(rune(value))
	}
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
