package outbound

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestFieldsThatBelongToTheSenderAreRefused(t *testing.T) {
	github, err := schemeFields("github")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Host", "content-length", "CONTENT-TYPE", "Content_Type", "Content-Encoding", "Connection", "Keep-Alive", "Keep_Alive", "TE", "Trailer",
		"Transfer-Encoding", "transfer_encoding", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection", "proxy_x",
		"Webhook-Id", "webhook-signature", "WEBHOOK_TIMESTAMP", "webhook.id", "Webhook-Verified-Event", "svix-id", "Svix_Signature",
		"X-Hub-Signature-256", "x_hub_signature_256", "X-GitHub-Event", "x-github-delivery",
		"", " ", "a b", "a:b", "a\r\nb", "a\x00", "ä", "(a)", strings.Repeat("a", maxFieldName+1),
	} {
		err := checkFields(map[string]string{name: "x"}, github)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "Headers" {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"Authorization", "X-Webhook-Signature", "User-Agent", "ce-id", "X-Svix", "Webhooks", "Idempotency-Key", "a!#$%&'*+-.^_`|~"} {
		if err := checkFields(map[string]string{name: "x"}, github); err != nil {
			t.Error(err)
		}
	}
}

func TestFieldsAreBounded(t *testing.T) {
	many := map[string]string{}
	for i := range maxFields {
		many["X-"+strconv.Itoa(i)] = strings.Repeat("x", maxFieldValue)
	}
	if err := checkFields(many, nil); err != nil {
		t.Error(err)
	}
	many["X-More"] = ""
	for _, fields := range []map[string]string{
		many,
		{"X": strings.Repeat("x", maxFieldValue+1)},
		{"X-Y": "", "x-y": ""},
		{"X-Y": "", "X_Y": ""},
	} {
		if checkFields(fields, nil) == nil {
			t.Errorf("accepted %d fields", len(fields))
		}
	}
}

func TestValuesThatWouldNotArriveAsTheyAreAreRefusedAndNotQuoted(t *testing.T) {
	for _, value := range []string{"hunter2\r\nX: y", "hunter2\n", "hunter2\x00", "hunter2\x7f", "\x1bhunter2", " hunter2", "hunter2\t"} {
		if err := checkFields(map[string]string{"X": value}, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", value, err)
		}
	}
	for _, value := range []string{"", "a b\tc", "ü", "\xff"} {
		if err := checkFields(map[string]string{"X": value}, nil); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// FuzzFieldsArriveAsTheyAre: what is accepted adds one field to a request and changes no other.
func FuzzFieldsArriveAsTheyAre(f *testing.F) {
	f.Add("X-Acme", "1")
	f.Add("webhook_id", "1")
	f.Add("Content-Length", "5")
	f.Add("X", "a\r\nHost: b")
	f.Add("Authorization", "Bearer x")
	s := signerOf(f, "", newKey)
	m := someMessage()
	plain := headerOf(f, s, Endpoint{}, m)
	fields, err := schemeFields("")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		given := map[string]string{name: value}
		if checkFields(given, fields) != nil {
			return
		}
		request, err := http.NewRequest(http.MethodPost, "https://example.com/", bytes.NewReader(m.Payload))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = headerOf(t, s, Endpoint{Headers: given}, m)
		var wire bytes.Buffer
		if err := request.Write(&wire); err != nil {
			t.Fatalf("%q: %q: %v", name, value, err)
		}
		arrived, err := http.ReadRequest(bufio.NewReader(&wire))
		if err != nil {
			t.Fatalf("%q: %q: %v", name, value, err)
		}
		if arrived.Host != "example.com" || arrived.ContentLength != int64(len(m.Payload)) || len(arrived.TransferEncoding) != 0 {
			t.Errorf("%q: %q made another request: %v", name, value, arrived)
		}
		key := http.CanonicalHeaderKey(name)
		if got := arrived.Header[key]; len(got) != 1 && !(value == "" && key == "User-Agent") || len(got) == 1 && got[0] != value && !(value == "" && key == "User-Agent") {
			t.Errorf("%q: %q arrived as %q", name, value, got)
		}
		delete(arrived.Header, "Content-Length")
		for field, values := range plain {
			if got := arrived.Header[field]; field != key && (len(got) != 1 || got[0] != values[0]) {
				t.Errorf("%q: %q changed %s to %q", name, value, field, got)
			}
		}
		for field := range arrived.Header {
			if field != key && plain[field] == nil {
				t.Errorf("%q: %q added %s", name, value, field)
			}
		}
	})
}
