package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var testSizes = []byteSize{smallestBody, smallestBody + 1, 1500, 4321, 10 * kibibyte, 100 * kibibyte, mebibyte}

func TestPayloadIsValidJSONOfExactlyTheSize(t *testing.T) {
	for _, size := range testSizes {
		body, _ := payload(size)
		if len(body) != int(size) {
			t.Errorf("payload(%v) has %d bytes", size, len(body))
		}
		if !json.Valid(body) {
			t.Errorf("payload(%v) is not JSON", size)
		}
	}
}

func TestPayloadStartsWithTheActionThatTheBodyRuleAccepts(t *testing.T) {
	for _, size := range testSizes {
		body, _ := payload(size)
		if !bytes.HasPrefix(body, []byte(`{"action":"opened",`)) {
			t.Errorf("payload(%v) starts %.40q", size, body)
		}
	}
}

// A body of one long string would be read far faster than any real one.
func TestPayloadHasNoLongStrings(t *testing.T) {
	for _, size := range testSizes {
		body, _ := payload(size)
		for _, text := range strings.Split(string(body), `"`) {
			if len(text) > 700 {
				t.Errorf("payload(%v) has a string of %d bytes", size, len(text))
			}
		}
	}
}

func TestPayloadOffsetIsThatOfTheCounter(t *testing.T) {
	body, counter := payload(2 * kibibyte)
	copy(body[counter:], strings.Repeat("7", counterDigits))
	var got struct {
		Installation struct {
			NodeID string `json:"node_id"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("7", counterDigits); got.Installation.NodeID != want {
		t.Errorf("counter is %q after writing %q to its offset", got.Installation.NodeID, want)
	}
}
