package verifiers

import (
	"encoding/json"
	"strings"
	"testing"
)

// readSNSText reads a signed text from its end, as nobody has to, and returns the members in it.
func readSNSText(text string) map[string]string {
	members := make(map[string]string)
	last := func() (line string) {
		text = strings.TrimSuffix(text, "\n")
		at := strings.LastIndexByte(text, '\n') + 1
		line, text = text[at:], text[:at]
		return line
	}
	for {
		value := last()
		name := last()
		members[name] = value
		if name == "MessageId" {
			break
		}
	}
	members["Message"] = strings.TrimSuffix(strings.TrimPrefix(text, "Message\n"), "\n")
	return members
}

// FuzzSNSTextSaysOneThing: from the signed text alone each member can be read, so that no two messages share one
// and nobody can move a part of one member into another, as the id that copies are known by.
func FuzzSNSTextSaysOneThing(f *testing.F) {
	f.Add("hello", "22b80b92", "My First Message", "2026-01-01T00:00:00.000Z", true)
	f.Add("hello\nMessageId\nfirst\nSubject\nx", "22b80b92", "", "t", false)
	f.Add("hello", "first", "x\nMessageId\nsecond", "t", true)
	f.Add("", "MessageId", "Subject", "Timestamp", true)
	f.Fuzz(func(t *testing.T, message, id, subject, timestamp string, hasSubject bool) {
		sent := map[string]string{
			"Message": message, "MessageId": id, "Timestamp": timestamp, "TopicArn": "arn", "Type": "Notification",
		}
		if hasSubject {
			sent["Subject"] = subject
		}
		body, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		members, err := snsMembers(body)
		if err != nil {
			if !strings.ContainsAny(id+subject+timestamp, "\n") {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		text, err := snsText(nil, members)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		read := readSNSText(string(text))
		for name := range sent {
			// What JSON can't say was replaced when it was written.
			if want := strings.ToValidUTF8(sent[name], "\ufffd"); read[name] != want && !strings.Contains(want, "\ufffd") {
				t.Errorf("%s is %q, read as %q", name, want, read[name])
			}
		}
		if len(read) != len(sent) {
			t.Errorf("%q is read as %q", sent, read)
		}
	})
}
