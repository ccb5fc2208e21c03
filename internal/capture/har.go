package capture

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// harEntry is what is read of an entry of a HAR archive, or of what ngrok lists.
// Sources: http://www.softwareishard.com/blog/har-12-spec/ and https://ngrok.com/docs/agent/api/
type harEntry struct {
	StartedDateTime any `json:"startedDateTime"`
	Start           any `json:"start"` // of ngrok
	Request         *struct {
		Raw     []byte          `json:"raw"` // of ngrok: the message
		Method  string          `json:"method"`
		URL     string          `json:"url"`
		Headers json.RawMessage `json:"headers"`

		PostData *struct {
			Text     *string `json:"text"`
			Encoding string  `json:"encoding"` // not in the format, but written by some
			Params   []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"params"`
		} `json:"postData"`
	} `json:"request"`
}

// parseHAR reads a HAR archive or ngrok's list of requests, or one entry of it.
func parseHAR(text []byte, number int) (Request, error) {
	var archive struct {
		Log *struct {
			Entries []harEntry `json:"entries"`
		} `json:"log"`
		Requests []harEntry `json:"requests"`
		harEntry
	}
	if err := json.Unmarshal(text, &archive); err != nil {
		// The decoder's error may quote what it read.
		return Request{}, errors.New("no JSON, or not that of a HAR archive or entry")
	}
	entries := archive.Requests
	if archive.Log != nil {
		entries = archive.Log.Entries
	} else if archive.Request != nil {
		entries = []harEntry{archive.harEntry}
	}
	switch {
	case len(entries) == 0:
		return Request{}, errors.New("has neither log.entries nor a request")
	case number == 0 && len(entries) > 1:
		return Request{}, fmt.Errorf("has %d entries: choose one by its number%s", len(entries), withBody(entries))
	case number > len(entries) || number < 0:
		return Request{}, fmt.Errorf("has %d entries, and none of number %d", len(entries), number)
	}
	return entries[max(number, 1)-1].capture()
}

func (e harEntry) capture() (r Request, err error) {
	if e.Request == nil {
		return r, errors.New("the entry has no request")
	}
	if e.Request.Raw != nil {
		r, err = parseMessage(e.Request.Raw)
		r.Time = timeOf(e.Start)
		return r, err
	}
	r.Method = e.Request.Method
	r.setURL(e.Request.URL)
	r.Time = timeOf(e.StartedDateTime)
	if len(e.Request.Headers) > 0 {
		if err := r.addJSON(e.Request.Headers); err != nil {
			return r, err
		}
	}
	switch data := e.Request.PostData; {
	case data == nil:
	case data.Text != nil && data.Encoding == "base64":
		body, err := base64.StdEncoding.DecodeString(*data.Text)
		if err != nil {
			return r, errors.New("postData is not in base64, as it says")
		}
		r.Body = body
	case data.Text != nil && (*data.Text != "" || len(data.Params) == 0):
		r.Body = []byte(*data.Text)
	case len(data.Params) > 0:
		var pairs []string
		for _, p := range data.Params {
			pairs = append(pairs, url.QueryEscape(p.Name)+"="+url.QueryEscape(p.Value))
		}
		r.Body = []byte(strings.Join(pairs, "&"))
		r.Notes = append(r.Notes, "the archive has the fields of the form and not the body: it was written anew, and may have been sent otherwise")
	}
	return r, nil
}

// maxNamed bounds how many entries an error names.
const maxNamed = 10

// withBody says which entries may be deliveries.
func withBody(entries []harEntry) string {
	var numbers []string
	for i, e := range entries {
		if e.Request != nil && (e.Request.PostData != nil || e.Request.Raw != nil) {
			numbers = append(numbers, strconv.Itoa(i+1))
		}
	}
	if len(numbers) == 0 || len(numbers) > maxNamed {
		return ""
	}
	return "; there is a body in " + strings.Join(numbers, ", ")
}

// timeOf returns the time that a member of JSON says, or the zero time.
func timeOf(member any) time.Time {
	text, _ := member.(string)
	at, _ := time.Parse(time.RFC3339, text)
	return at
}
