package verifiers

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// extend returns what SHA-256 puts behind a text of a size, and the hash of that text, those bytes and more, made
// of the text's hash alone.
func extend(t *testing.T, sum []byte, size int, more string) (padding, extended []byte) {
	t.Helper()
	padding = paddingOf(size)
	h := sha256.New()
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	const magic = 4
	copy(state[magic:], sum)
	binary.BigEndian.PutUint64(state[len(state)-8:], uint64(size+len(padding)))
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	h.Write([]byte(more))
	return padding, h.Sum(nil)
}

// paddingOf returns what SHA-256 puts behind a text of a size.
func paddingOf(size int) []byte {
	padding := []byte{0x80}
	for (size+len(padding))%sha256.BlockSize != sha256.BlockSize-8 {
		padding = append(padding, 0)
	}
	return binary.BigEndian.AppendUint64(padding, uint64(size)*8)
}

// TestNobodyGoesOnWithAPlainHash: whoever has a delivery could sign others that begin as it does, each of them
// another delivery, and many readers of JSON stop behind the first value.
func TestNobodyGoesOnWithAPlainHash(t *testing.T) {
	body := []byte(`[{"subscriptionType":"contact.creation","name":"Zoë"}]`)
	for _, name := range []string{"hubspot-v1", "hubspot-v2", "feishu"} {
		scheme, _ := Preset(name)
		r := send(t, scheme, Message{Body: body}, 0)
		signature := scheme.Signature.From[len("header:"):]
		sum, err := hex.DecodeString(r.Header.Get(signature))
		if err != nil {
			t.Fatal(err)
		}
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		reached := false
		for size := len(body); size < len(body)+256; size++ { // nobody knows how long the secret is
			padding, extended := extend(t, sum, size, "again")
			r.Header.Set(signature, hex.EncodeToString(extended))
			d, err := verify(v, r, []byte(string(body)+string(padding)+"again"))
			if err != ErrFieldAmbiguous && err != ErrSignatureMismatch {
				t.Fatalf("%s: %v, %v", name, d, err)
			}
			reached = reached || err == ErrFieldAmbiguous
		}
		if !reached {
			t.Errorf("%s: no hash was gone on with", name)
		}
	}
}

// TestOnlyWhatTheHashPutsBehindATextIsRefused: of every size of what stands before it, wherever it stands behind the
// secret. What looks like it otherwise is any body.
func TestOnlyWhatTheHashPutsBehindATextIsRefused(t *testing.T) {
	secret := strings.Repeat("s", 16)
	for _, content := range []string{"{secret}{body}", "a{secret}{header:X}.{body}b", "{body}{secret}{header:X}", "{header:X}\n{secret}", "{body}{secret}"} {
		scheme := Scheme{Algorithm: SHA256, Signature: Signature{From: "header:S"}, Content: content}
		v, err := New(scheme, []Secret{NewSecret("", secret)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// try verifies what has the text at the place of the body, or of the header field where that stands behind the
		// secret, made of what comes before it.
		try := func(text func(before string) string, more string) error {
			body, header := "body", "header"
			before, _, _ := strings.Cut(content, "{body}")
			at := &body
			if strings.HasSuffix(content, "{header:X}") {
				before, _, _ = strings.Cut(content, "{header:X}")
				at = &header
			}
			fill := func(s string) string {
				return strings.NewReplacer("{secret}", secret, "{body}", body, "{header:X}", header).Replace(s)
			}
			*at = text(fill(before)) + more
			sum := sha256.Sum256([]byte(fill(content)))
			r := Request{Header: http.Header{"S": {hex.EncodeToString(sum[:])}, "X": {header}}}
			_, err := verify(v, r, []byte(body))
			return err
		}
		for size := range 3 * hashBlock {
			for _, more := range []string{"", "x", strings.Repeat("\x00", hashBlock)} {
				text := strings.Repeat("t", size)
				padded := func(before string) string {
					return text + string(paddingOf(len(before)+size))
				}
				want := ErrFieldAmbiguous
				if content == "{header:X}\n{secret}" || content == "{body}{secret}" {
					want = nil // nobody can go on with what ends in the secret
				}
				if err := try(padded, more); err != want {
					t.Errorf("%s with %d bytes: %v, want %v", content, size, err, want)
				}
				for i, wrong := range []func(before string) string{
					func(before string) string { return text + string(paddingOf(len(before)+size+1)) },
					func(before string) string { return text + string(paddingOf(len(before) + size)[1:]) },
					func(before string) string { return text + "\x80" + string(paddingOf(len(before)+size)) },
					func(before string) string {
						return strings.Replace(text+string(paddingOf(len(before)+size)), "\x80", "\x81", 1)
					},
				} {
					if err := try(wrong, more); err != nil {
						t.Errorf("%s with %d bytes, %d: %v", content, size, i, err)
					}
				}
			}
		}
	}
}
