package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestEventsHaveTheirSizeAndTheirNumber(t *testing.T) {
	for _, size := range []int{smallestEvent, 1000, 1024, largestEvent} {
		request, counter := publishRequest("127.0.0.1:1", "token", application, size)
		copy(request[counter:], fmt.Appendf(nil, "%0*d", eventCounter, 4711))
		reader := bufio.NewReader(bytes.NewReader(request))
		read, err := http.ReadRequest(reader)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(read.Body)
		if err != nil {
			t.Fatal(err)
		}
		if left, _ := io.ReadAll(reader); len(left) > 0 {
			t.Errorf("%d bytes: %d more behind the body", size, len(left))
		}
		if len(body) > 1<<20 {
			t.Errorf("%d bytes: a body of %d, which the API refuses", size, len(body))
		}
		var in struct {
			EventType string
			Payload   json.RawMessage
		}
		if err := json.Unmarshal(body, &in); err != nil || in.EventType == "" || len(in.Payload) != size {
			t.Errorf("%d bytes: type %q, payload of %d, %v", size, in.EventType, len(in.Payload), err)
		}
		var payload struct{ Number string }
		if err := json.Unmarshal(in.Payload, &payload); err != nil || payload.Number != "0000000000004711" {
			t.Errorf("%d bytes: number %q, %v", size, payload.Number, err)
		}
	}
}
