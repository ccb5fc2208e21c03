package outbound

import (
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookseal/hookseal/internal/eventpattern"
)

// The syntax and the bounds of what is given are those of Svix, so that its clients find here what they
// know, and so that no client's type is too small for an answer (https://api.svix.com/docs). Where Svix
// sets no bound there is one of ours.
const (
	maxName        = 256 // of an application, an event type, a uid, an event id
	maxLabel       = 128 // of a channel, a tag
	maxChannels    = 10
	maxTags        = 5
	maxMetadata    = 4 << 10 // as JSON
	maxNumber      = 1<<16 - 1
	maxDescription = 4 << 10
	maxPatterns    = 256
	maxSchemas     = 256 << 10 // all of an event type together
	maxFlags       = 25
)

// What names are made of, besides letters and digits.
const (
	nameMarks    = "-_."
	channelMarks = "-_.:"
	tagMarks     = `-_./\#`
	patternMarks = nameMarks + "*"
)

// check returns an *InvalidError unless all that the publisher sets of an application is right.
func (a *Application) check() error {
	if strings.TrimSpace(a.Name) == "" {
		return &InvalidError{"Name", "is empty: give one"}
	}
	return firstError(
		checkProse("Name", a.Name, maxName),
		checkUID("UID", a.UID, prefixApplication),
		checkNumber("RateLimit", a.RateLimit),
		checkMetadata(a.Metadata),
	)
}

// check returns an *InvalidError unless all that the publisher sets of an event type is right. It doesn't
// compile the schemas.
func (t *EventType) check() error {
	if err := firstError(
		checkName("Name", t.Name, nameMarks, maxName),
		checkProse("Description", t.Description, maxDescription),
	); err != nil {
		return err
	}
	if t.GroupName != "" {
		if err := checkName("GroupName", t.GroupName, nameMarks, maxName); err != nil {
			return err
		}
	}
	if err := checkNames("FeatureFlag", t.FeatureFlag, nameMarks, maxName, maxFlags); err != nil {
		return err
	}
	size := 0
	for version, schema := range t.Schemas {
		// Not Atoi alone: "+1" and "01" would be another version of the same number.
		if n, err := strconv.Atoi(version); err != nil || n < 0 || strconv.Itoa(n) != version {
			return &InvalidError{"Schemas", "have a version that is not a number: use 1, 2 and so on"}
		}
		if !json.Valid(schema) {
			return &InvalidError{"Schemas", "have one that is not JSON: mend version " + version}
		}
		size += len(schema)
	}
	if size > maxSchemas {
		return &InvalidError{"Schemas", fmt.Sprintf("are longer than %d bytes together: remove old versions", maxSchemas)}
	}
	return nil
}

// check returns an *InvalidError unless all that the publisher sets of an endpoint is right, and its URL
// may be reached.
func (e *Endpoint) check(egress Egress) error {
	if err := firstError(
		egress.CheckURL(e.URL),
		checkUID("UID", e.UID, prefixEndpoint),
		checkProse("Description", e.Description, maxDescription),
		checkNumber("Version", e.Version),
		checkNumber("RateLimit", e.RateLimit),
		checkPatterns(e.Events),
		checkNames("Channels", e.Channels, channelMarks, maxLabel, maxChannels),
		checkMetadata(e.Metadata),
	); err != nil {
		return err
	}
	fields, err := schemeFields(e.Scheme)
	if err != nil {
		return err
	}
	return checkFields(e.Headers, fields)
}

// check returns an *InvalidError unless all that the publisher sets of a message is right. It reads
// nothing of the payload.
func (m *Message) check() error {
	if err := firstError(
		checkName("EventType", m.EventType, nameMarks, maxName),
		checkUID("EventID", m.EventID, prefixMessage),
		checkNames("Channels", m.Channels, channelMarks, maxLabel, maxChannels),
		checkNames("Tags", m.Tags, tagMarks, maxLabel, maxTags),
		checkFields(m.Headers, nil),
	); err != nil {
		return err
	}
	if len(m.IdempotencyKey) > maxName || strings.ContainsFunc(m.IdempotencyKey, isNotPrintable) {
		return &InvalidError{"IdempotencyKey", fmt.Sprintf("is longer than %d or has characters that are not printable ASCII: give another", maxName)}
	}
	if m.ContentType != "" {
		if _, _, err := mime.ParseMediaType(m.ContentType); err != nil || len(m.ContentType) > maxName || !isFieldValue(m.ContentType) {
			return &InvalidError{"ContentType", "is not a media type: write it as type/subtype"}
		}
	}
	if len(m.Payload) == 0 {
		return &InvalidError{"Payload", "is empty: give one"}
	}
	return nil
}

// checkPatterns checks the patterns of an endpoint. Names of event types are patterns too.
func checkPatterns(patterns []string) error {
	// What has other characters than names have could never match.
	if err := checkNames("Events", patterns, patternMarks, maxName, maxPatterns); err != nil {
		return err
	}
	for _, text := range patterns {
		if _, err := eventpattern.Parse(text); err != nil {
			return &InvalidError{"Events", err.Error()}
		}
	}
	return nil
}

// checkUID checks a publisher's own id, if there is one. It must not look like one that is given here.
func checkUID(field, uid, prefix string) error {
	if uid == "" {
		return nil
	}
	if strings.HasPrefix(uid, prefix) {
		return &InvalidError{field, "begins with " + prefix + " as ids that are given here do: begin it with something else"}
	}
	return checkName(field, uid, nameMarks, maxName)
}

func checkNames(field string, names []string, marks string, length, count int) error {
	if len(names) > count {
		return &InvalidError{field, fmt.Sprintf("are more than %d: leave some out", count)}
	}
	for i, name := range names {
		if !isName(name, marks, length) {
			return &InvalidError{field, fmt.Sprintf("entry %d is not 1 to %d characters, each a letter, a digit or one of %s", i+1, length, marks)}
		}
	}
	return nil
}

func checkName(field, name, marks string, length int) error {
	if !isName(name, marks, length) {
		return &InvalidError{field, fmt.Sprintf("is not 1 to %d characters, each a letter, a digit or one of %s", length, marks)}
	}
	return nil
}

// isName reports whether a text has 1 to length characters, of letters, digits and marks.
func isName(text, marks string, length int) bool {
	wrong := func(r rune) bool { return !isLetterOrDigit(r) && !strings.ContainsRune(marks, r) }
	return text != "" && len(text) <= length && !strings.ContainsFunc(text, wrong)
}

// checkProse checks a text for people. It may be empty.
func checkProse(field, text string, length int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }
	if len(text) > length || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
		return &InvalidError{field, fmt.Sprintf("is longer than %d bytes, or has control characters or bytes that are no UTF-8", length)}
	}
	return nil
}

func checkNumber(field string, n int) error {
	if n < 0 || n > maxNumber {
		return &InvalidError{field, fmt.Sprintf("is not from 0 to %d", maxNumber)}
	}
	return nil
}

func checkMetadata(metadata map[string]string) error {
	if text, err := json.Marshal(metadata); err != nil || len(text) > maxMetadata {
		return &InvalidError{"Metadata", fmt.Sprintf("is longer than %d bytes as JSON: leave something out", maxMetadata)}
	}
	return nil
}

func isNotPrintable(r rune) bool { return r < ' ' || r > '~' }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
