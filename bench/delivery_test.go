package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// read parses a request as a server would, and returns it with its body.
func read(t *testing.T, d *delivery, n uint64) (*http.Request, []byte) {
	t.Helper()
	parts, err := d.number(n)
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(bytes.NewReader(bytes.Join(parts, nil)))
	request, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := io.ReadAll(reader); len(left) > 0 {
		t.Errorf("delivery %d: %d bytes after the body", n, len(left))
	}
	return request, body
}

func TestDeliveriesAreSignedAndUnlikeEachOther(t *testing.T) {
	const secret = "a secret for this test"
	template, err := newTemplate("127.0.0.1:1", "push", 3*kibibyte, secret)
	if err != nil {
		t.Fatal(err)
	}
	d := template.newDelivery()
	bodies, ids := map[string]bool{}, map[string]bool{}
	numbers := []uint64{0, 1, 2, 9, 10, 1<<48 + 1}
	for _, n := range numbers {
		request, body := read(t, d, n)
		if len(body) != int(3*kibibyte) || !json.Valid(body) {
			t.Errorf("delivery %d: body of %d bytes, valid JSON: %t", n, len(body), json.Valid(body))
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if got := request.Header.Get("X-Hub-Signature-256"); got != want {
			t.Errorf("delivery %d: signature %s, want %s", n, got, want)
		}
		if got := request.Header.Get("X-GitHub-Event"); got != "push" {
			t.Errorf("delivery %d: event %q", n, got)
		}
		bodies[string(body)] = true
		ids[request.Header.Get("X-GitHub-Delivery")] = true
	}
	if len(bodies) != len(numbers) || len(ids) != len(numbers) {
		t.Errorf("%d deliveries have %d bodies and %d ids", len(numbers), len(bodies), len(ids))
	}
}
