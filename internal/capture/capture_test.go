package capture

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCapturesAreReadAsTheyStand(t *testing.T) {
	fields := func(pairs ...string) http.Header {
		h := make(http.Header)
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
		}
		return h
	}
	for _, test := range []struct {
		name, text string
		entry      int
		want       Request
	}{
		{
			name: "a message",
			text: "POST /in?a=b HTTP/1.1\r\nHost: h.example\r\nx-sig: 1\r\nX-Sig: 2\r\n\r\n{\r\n}\n",
			want: Request{Method: "POST", Host: "h.example", Target: "/in?a=b", Header: fields("Host", "h.example", "X-Sig", "1", "X-Sig", "2"), Body: []byte("{\r\n}\n")},
		},
		{
			name: "LF, and a line break behind the body that Content-Length leaves out",
			text: "PUT https://h.example:8443/a HTTP/2\ncontent-length: 2\n\n{}\n",
			want: Request{Method: "PUT", Scheme: "https", Host: "h.example:8443", Target: "/a", Header: fields("Content-Length", "2"), Body: []byte("{}"),
				Notes: []string{"the line break behind the 2 bytes that Content-Length announces was left out"}},
		},
		{
			name: "a body of another length stays whole",
			text: "A: b\nContent-Length: 1\n\n{ }",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b", "Content-Length", "1"), Body: []byte("{ }"), Notes: []string{"Content-Length announces 1 bytes, and the body has 3"}},
		},
		{
			name: "a folded line keeps its break",
			text: "A: b\r\n c\r\n\r\n",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b\r\n c"), Body: []byte{}},
		},
		{
			name: "fields of HTTP/2, and of CGI",
			text: ":method: POST\n:path: /p?q\n:authority: h\n:scheme: https\nHTTP_X_SIG: v\n\nx",
			want: Request{Method: "POST", Scheme: "https", Host: "h", Target: "/p?q", Header: fields("Http_x_sig", "v"), Body: []byte("x")},
		},
		{
			name: "chunks",
			text: "A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b", "Transfer-Encoding", "chunked"), Body: []byte("abcde")},
		},
		{
			name: "an entry of a HAR archive",
			text: `{"startedDateTime":"2026-01-01T00:00:00.5Z","request":{"method":"POST","url":"https://h.example/in?a=b%20c#f","headers":[{"name":":authority","value":"x"},{"name":"x-sig","value":"1"}],"postData":{"mimeType":"application/json","text":"{\"a\": 1}\n"}}}`,
			want: Request{Method: "POST", Scheme: "https", Host: "h.example", Target: "/in?a=b%20c", Header: fields("X-Sig", "1"), Body: []byte("{\"a\": 1}\n"), Time: time.Date(2026, 1, 1, 0, 0, 0, 5e8, time.UTC)},
		},
		{
			name:  "the second entry of an archive, in base64",
			text:  `{"log":{"entries":[{"request":{"method":"GET","url":"http://a"}},{"request":{"method":"POST","url":"http://b?c","headers":[],"postData":{"text":"/wA=","encoding":"base64"}}}]}}`,
			entry: 2,
			want:  Request{Method: "POST", Scheme: "http", Host: "b", Target: "/?c", Body: []byte{0xff, 0}},
		},
		{
			name: "curl as Chrome copies it for bash",
			text: "curl 'https://h.example/in' \\\n  -H 'x-sig: it'\\''s' \\\n  --data-raw $'{\"a\":\"\\u00e9\\n\\'!\"}' \\\n  --compressed",
			want: Request{Method: "POST", Scheme: "https", Host: "h.example", Target: "/in", Header: fields("X-Sig", "it's", "Content-Type", "application/x-www-form-urlencoded"), Body: []byte("{\"a\":\"é\n'!\"}")},
		},
		{
			name: "curl as Chrome copies it for cmd.exe",
			text: "curl ^\"https://h.example/in?a=1^&b=2^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"100^%^\\^\"^}^\"",
			want: Request{Method: "POST", Scheme: "https", Host: "h.example", Target: "/in?a=1&b=2", Header: fields("Content-Type", "application/json"), Body: []byte(`{"a":"100%"}`)},
		},
		{
			name: "curl by hand",
			text: `$ curl -sSXPUT -H"A: b" --url http://u:p@h/p -d a=1 -d "b=\"2\"" -o /dev/null`,
			want: Request{Method: "PUT", Scheme: "http", Host: "h", Target: "/p", Header: fields("A", "b", "Content-Type", "application/x-www-form-urlencoded"), Body: []byte(`a=1&b="2"`)},
		},
		{
			name: "curl with JSON",
			text: `curl h.example --json '{}'`,
			want: Request{Method: "POST", Host: "h.example", Target: "/", Header: fields("Content-Type", "application/json"), Body: []byte(`{}`)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.text), Auto, test.entry)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// An error may be logged: it repeats nothing of the capture.
func TestWhatCannotBeReadIsAnErrorThatRepeatsNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "no header fields",
		"POST /in HTTP/1.1\n\nx":   "no header fields",
		"hush hush":                "a header field is written",
		" hush: hush\n\n":          "header field",
		`{"hush":"hush"}`:          "has neither log.entries nor a request",
		`{"log":{"entries":hush}}`: "no JSON",
		`{"log":{"entries":[{"request":{}},{"request":{}}]}}`: "has 2 entries: choose one",
		`curl`:                              "has no URL",
		`curl http://h 'hush`:               "not closed",
		`curl http://h "hush`:               "not closed",
		`curl http://h --hush=hush=`:        `option "…" of curl is not known`,
		`curl http://h --frob hush`:         `option "frob" of curl is not known`,
		`curl http://h -d @hush`:            "in a file",
		`curl http://h --data-binary @hush`: "in a file",
		`curl http://h -F hush=@hush`:       "-F makes a body",
		`curl http://h http://hush`:         "several URLs",
		`curl http://h -H`:                  "has no argument",
		strings.Repeat("A: b\n", 300):       "over 256 header fields",
	} {
		_, err := Parse([]byte(text), Auto, 0)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%.40q: got error %v, want %q", text, err, want)
		}
	}
	if _, err := Parse([]byte(`{"request":{}}`), HAR, 2); err == nil {
		t.Error("an entry that isn't there was read")
	}
	if _, err := Parse(bytes.Repeat([]byte{'a'}, MaxSize+1), Auto, 0); err == nil {
		t.Error("a capture over the size was read")
	}
}

// FuzzParse: whatever is read stays within bounds, and has what every request has.
func FuzzParse(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nA: b\r\n c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), 0)
	f.Add([]byte(`{"log":{"entries":[{"request":{"url":"http://a","postData":{"params":[{"name":"a","value":"b"}]}}}]}}`), 1)
	f.Add([]byte(`curl -XPOST 'http://a' -H "B: \"c\"" $'\x41\u0042\103' -d@- --data-urlencode a=b`), 0)
	f.Add([]byte("curl ^\"http://a^\" ^\n -d ^\"b^\n\nc^\""), 0)
	f.Fuzz(func(t *testing.T, text []byte, entry int) {
		for _, format := range Formats {
			r, err := Parse(text, format, entry)
			if err != nil {
				continue
			}
			fields := 0
			for _, values := range r.Header {
				fields += len(values)
			}
			if r.Method == "" || r.Target == "" || fields > maxFields*maxFields || len(r.Body) > 4*len(text) {
				t.Errorf("%s: %d fields, %d bytes of body", format, fields, len(r.Body))
			}
		}
	})
}
