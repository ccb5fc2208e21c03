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
			name: "fields of HTTP/2 as Chrome shows them, line by line",
			text: ":authority:\nh\n:method:\nPUT\n:path:\n/p?q\n:scheme:\nhttps\nx-sig:\nv:w\n\nx",
			want: Request{Method: "PUT", Scheme: "https", Host: "h", Target: "/p?q", Header: fields("X-Sig", "v:w"), Body: []byte("x")},
		},
		{
			name: "the same without colons",
			text: "x-sig\nv\nx-other\nw\n",
			want: Request{Method: "POST", Target: "/", Header: fields("X-Sig", "v", "X-Other", "w")},
		},
		{
			name: "chunks whose line ends were changed",
			text: "A: b\nTransfer-Encoding: chunked\n\n3;x=y\nabc\n2\nde\n0\n\n",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b", "Transfer-Encoding", "chunked"), Body: []byte("abcde")},
		},
		{
			name: "chunks that end early",
			text: "A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b", "Transfer-Encoding", "chunked"), Body: []byte("abcde"),
				Notes: []string{"the chunks of the body end early: it is taken as far as they go"}},
		},
		{
			name: "no chunks, though the header says so",
			text: "A: b\r\nTransfer-Encoding: chunked\r\n\r\n{}",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b", "Transfer-Encoding", "chunked"), Body: []byte("{}"),
				Notes: []string{"the header says that the body is in chunks, and it isn't: it is taken as it stands"}},
		},
		{
			name: "UTF-16, as PowerShell writes files",
			text: "\xff\xfeA\x00:\x00 \x00b\x00\n\x00\n\x00\xe9\x00",
			want: Request{Method: "POST", Target: "/", Header: fields("A", "b"), Body: []byte("é"),
				Notes: []string{"the capture is in UTF-16, as PowerShell writes files: what was no text in it is lost"}},
		},
		{
			name: "a HAR archive whose times are no times, and that has the fields of a form",
			text: `{"log":{"entries":[{"startedDateTime":17,"request":{"method":"POST","url":"http://a/","headers":[],"postData":{"text":"","params":[{"name":"a b","value":"c&"}]}}}]}}`,
			want: Request{Method: "POST", Scheme: "http", Host: "a", Target: "/", Body: []byte("a+b=c%26"),
				Notes: []string{"the archive has the fields of the form and not the body: it was written anew, and may have been sent otherwise"}},
		},
		{
			name:  "what ngrok lists",
			text:  `{"requests":[{"start":"2026-01-01T00:00:00Z","request":{"headers":{"A":["x"]},"uri":"/in","raw":"UE9TVCAvaW4gSFRUUC8xLjENCkE6IGINCg0KDAA="}},{}]}`,
			entry: 1,
			want:  Request{Method: "POST", Target: "/in", Header: fields("A", "b"), Body: []byte{12, 0}, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		},
		{
			name: "curl whose body has what cmd.exe escapes",
			text: `curl 'http://h' -H 'A: b' --data-raw '{"a":"^"}' | jq .`,
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/", Header: fields("A", "b", "Content-Type", "application/x-www-form-urlencoded"), Body: []byte(`{"a":"^"}`)},
		},
		{
			name: "curl as Firefox copies it",
			text: `curl 'http://h' -X POST --data-raw $'{"a":"\u0021\041\x41\ud83d\ude00"}'`,
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/", Header: fields("Content-Type", "application/x-www-form-urlencoded"), Body: []byte(`{"a":"!!A😀"}`)},
		},
		{
			name: "curl with a file as it is",
			text: `curl http://h --data-binary @lines -H @fields`,
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/", Header: fields("A", "b", "Content-Type", "application/x-www-form-urlencoded"), Body: []byte("a\r\nb\n")},
		},
		{
			name: "curl with a file without its line breaks",
			text: `curl http://h -d @lines -H 'Content-Type: text/plain' --data-urlencode x@lines`,
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/", Header: fields("Content-Type", "text/plain"), Body: []byte("ab&x=a%0D%0Ab%0A")},
		},
		{
			name: "curl with an upload",
			text: `curl -T lines http://h`,
			want: Request{Method: "PUT", Scheme: "http", Host: "h", Target: "/", Body: []byte("a\r\nb\n")},
		},
		{
			name: "curl with a form whose boundary is known",
			text: `curl http://h -H 'Content-Type: multipart/form-data; boundary=xyz' -F a=b -F "f=@lines;type=text/plain" --form-string c=@d`,
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/", Header: fields("Content-Type", "multipart/form-data; boundary=xyz"),
				Body: []byte("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n" +
					"--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"lines\"\r\nContent-Type: text/plain\r\n\r\na\r\nb\n\r\n" +
					"--xyz\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n@d\r\n--xyz--\r\n")},
		},
		{
			name: "PowerShell as Chrome copies it",
			text: "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = \"UA\"\n" +
				"$session.Cookies.Add((New-Object System.Net.Cookie(\"a\", \"b\", \"/\", \"h\")))\n" +
				"Invoke-WebRequest -UseBasicParsing -Uri \"https://h/in?a=b\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\"authority\"=\"h\"\n  \"x-sig\"=\"a`\"b\"\n} `\n" +
				"-ContentType \"application/json\" `\n-Body ([System.Text.Encoding]::UTF8.GetBytes(\"{`\"a`\":`\"`$`$([char]233)$([char]55357)$([char]56832)$([char]10)`\"}\"))",
			want: Request{Method: "POST", Scheme: "https", Host: "h", Target: "/in?a=b",
				Header: fields("User-Agent", "UA", "Authority", "h", "X-Sig", `a"b`, "Content-Type", "application/json"), Body: []byte("{\"a\":\"$$([char]233)😀\n\"}")},
		},
		{
			name: "PowerShell as Postman and Insomnia write it",
			text: "$headers = New-Object \"System.Collections.Generic.Dictionary[[String],[String]]\"\r\n$headers.Add(\"A\", \"b\")\r\n$headers[\"C\"] = 'it''s'\r\n$body = @\"\r\n{`\"a`\":\r\n1}\r\n\"@\r\n\r\n" +
				"$response = Invoke-RestMethod 'http://h' -Method 'PUT' -Headers $headers -Body $body | ConvertTo-Json\r\n",
			want: Request{Method: "PUT", Scheme: "http", Host: "h", Target: "/", Header: fields("A", "b", "C", "it's", "Content-Type", "application/x-www-form-urlencoded"), Body: []byte("{\"a\":\r\n1}")},
		},
		{
			name: "PowerShell by hand",
			text: "irm http://h/p -method post -headers @{ 'A'='b'; C = \"d\"\"e`u{e9}\" } -InFile lines; exit",
			want: Request{Method: "POST", Scheme: "http", Host: "h", Target: "/p", Header: fields("A", "b", "C", `d"eé`, "Content-Type", "application/x-www-form-urlencoded"), Body: []byte("a\r\nb\n")},
		},
		{
			name: "curl with JSON",
			text: `curl h.example --json '{}'`,
			want: Request{Method: "POST", Host: "h.example", Target: "/", Header: fields("Content-Type", "application/json"), Body: []byte(`{}`)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.text), Options{Entry: test.entry, ReadFile: readTestFile})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// readTestFile has the files that the captures of the tests name.
func readTestFile(name string) ([]byte, error) {
	switch name {
	case "lines":
		return []byte("a\r\nb\n"), nil
	case "fields":
		return []byte("A: b\n"), nil
	}
	return nil, errFile
}

func TestAHeaderIsReadByItself(t *testing.T) {
	for _, text := range []string{
		"POST /in HTTP/1.1\r\nHost: h\r\nX-Sig: v\r\nX-Sig: w\r\n\r\n",
		":method: POST\n:path: /in\nHost: h\nX-Sig: v\nX-Sig: w",
		"x-sig\nv\nhost\nh\nx-sig\nw\n",
		`{"host":"h","x-sig":["v","w"]}`,
		" [{\"name\":\"Host\",\"value\":\"h\"},{\"name\":\"X-Sig\",\"value\":\"v\"},{\"name\":\"X-Sig\",\"value\":\"w\"}]\n",
	} {
		r, err := ParseHeader([]byte(text))
		if want := (http.Header{"Host": {"h"}, "X-Sig": {"v", "w"}}); err != nil || !reflect.DeepEqual(r.Header, want) || r.Host != "h" {
			t.Errorf("%q: got %v, %q, %v", text, r.Header, r.Host, err)
		}
	}
	for text, want := range map[string]string{
		"A: b\n\nhush":          "behind the empty line",
		`{"a":{"hush":"hush"}}`: "a header in JSON is",
		`["hush"]`:              "a header in JSON is",
		"":                      "no header fields",
		"hush hush":             "is written",
	} {
		if _, err := ParseHeader([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// An error may be logged: it repeats nothing of the capture.
func TestWhatCannotBeReadIsAnErrorThatRepeatsNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "no header fields",
		"POST /in HTTP/1.1\n\nx":   "no header fields",
		"hush hush":                "a header field is written",
		"hush":                     "a header field is written",
		"wget http://hush":         "a header field is written",
		" hush: hush\n\n":          "header field",
		`{"hush":"hush"}`:          "has neither log.entries nor a request",
		`{"log":{"entries":hush}}`: "no JSON",
		`{"log":{"entries":[{"request":{}},{"request":{}}]}}`:                                                          "has 2 entries: choose one",
		`{"log":{"entries":[{"request":{}},{"request":{"postData":{"text":"hush"}}},{"request":{"raw":"aHVzaA=="}}]}}`: "by its number; there is a body in 2, 3",
		`curl`:                              "has no URL",
		`curl http://h 'hush`:               "not closed",
		`curl http://h "hush`:               "not closed",
		`curl http://h --hush=hush=`:        `option "…" of curl is not known`,
		`curl http://h --frob hush`:         `option "frob" of curl is not known`,
		`curl http://h -d @hush`:            "in a file",
		`curl http://h --data-binary @hush`: "in a file",
		`curl http://h -F hush=@hush`:       "in a file",
		`curl http://h -F hush`:             "is written name=content",
		`curl http://h -K hush`:             "reads options from a file",
		`Invoke-WebRequest`:                 "has no URL",
		`irm http://h -Body $hush`:          "a variable whose value",
		`irm http://h -Body (Get-Hush)`:     "PowerShell of a kind",
		`irm http://h -Body "$(hush)"`:      "PowerShell of a kind",
		`irm http://h -Body "hush`:          "not closed",
		`irm http://h -Form @{a="hush"}`:    "-Form makes a body",
		`irm http://h http://hush`:          "several URLs",
		"irm http://h -Body @'\nhush":       "not closed",
		"$a = 1\n":                          "has no Invoke-WebRequest",
		`curl http://h http://hush`:         "several URLs",
		`curl http://h -H`:                  "has no argument",
		strings.Repeat("A: b\n", 300):       "over 256 header fields",
	} {
		_, err := Parse([]byte(text), Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%.40q: got error %v, want %q", text, err, want)
		}
	}
	if _, err := Parse([]byte(`{"request":{}}`), Options{Format: HAR, Entry: 2}); err == nil {
		t.Error("an entry that isn't there was read")
	}
	if _, err := Parse(bytes.Repeat([]byte{'a'}, MaxSize+1), Options{}); err == nil {
		t.Error("a capture over the size was read")
	}
}

// FuzzParse: whatever is read stays within bounds, and has what every request has.
func FuzzParse(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nA: b\r\n c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), 0)
	f.Add([]byte(`{"log":{"entries":[{"request":{"url":"http://a","postData":{"params":[{"name":"a","value":"b"}]}}}]}}`), 1)
	f.Add([]byte(`curl -XPOST 'http://a' -H "B: \"c\"" $'\x41\u0042\103' -d@- --data-urlencode a=b`), 0)
	f.Add([]byte("$h = @{a='b'}\nirm http://a -Headers $h -Body @\"\n`u{41}$([char]65)\n\"@"), 0)
	f.Add([]byte("curl http://a -F a=b -F 'f=@lines;type=x'"), 0)
	f.Add([]byte("a:\nb\n\nc"), 0)
	f.Add([]byte("curl ^\"http://a^\" ^\n -d ^\"b^\n\nc^\""), 0)
	f.Fuzz(func(t *testing.T, text []byte, entry int) {
		for _, format := range Formats {
			r, err := Parse(text, Options{Format: format, Entry: entry, ReadFile: readTestFile})
			if err != nil {
				continue
			}
			fields := 0
			for _, values := range r.Header {
				fields += len(values)
			}
			if r.Method == "" || r.Target == "" || fields > maxFields*maxFields || len(r.Body) > 64*len(text) {
				t.Errorf("%s: %d fields, %d bytes of body", format, fields, len(r.Body))
			}
		}
	})
}
