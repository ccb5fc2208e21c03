package verifiers

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Some deliveries list the header fields that their signature covers. What is on the list has to be there, once,
// and the list is itself signed.

// maxCovered bounds how many header fields a delivery may list as signed.
const maxCovered = 64

// coveredNames returns the names in the header field that lists what is signed.
func coveredNames(header http.Header, list, separator string) ([]string, error) {
	value, err := coveredValue(header, list)
	if err != nil {
		return nil, err
	}
	return parseCovered(value, separator)
}

// parseCovered reads a list of names of header fields: in lower case, each once.
func parseCovered(text, separator string) (names []string, err error) {
	for name := range strings.SplitSeq(text, separator) {
		switch {
		case !isLowerName(name):
			return nil, ErrFieldMissing
		case len(names) == maxCovered || slices.Contains(names, name):
			return nil, ErrFieldRepeated
		}
		names = append(names, name)
	}
	return names, nil
}

// isLowerName reports whether text is the name of a header field as lists of them are written.
func isLowerName(text string) bool {
	for i := range len(text) {
		if c := text[i]; c != '-' && c != '_' && (!isAlphanumeric(c) || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return text != ""
}

// coveredValue returns the value of a header field that the signature covers, without the blanks that a
// transport may leave around it. It must be there, once.
func coveredValue(header http.Header, name string) (string, error) {
	switch values := header[textproto.CanonicalMIMEHeaderKey(name)]; len(values) {
	case 0:
		return "", ErrFieldMissing
	case 1:
		return strings.Trim(values[0], " \t"), nil
	}
	return "", ErrFieldRepeated
}
