package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hookseal/hookseal/verifiers"
)

// hints says what looks odd about a case without being proved wrong.
func hints(c Case, r Report) (all []Change) {
	add := func(kind Kind, name, format string, args ...any) {
		all = append(all, Change{kind, name, fmt.Sprintf(format, args...)})
	}
	if length, err := strconv.Atoi(c.Header.Get("Content-Length")); err == nil && length != len(c.Body) {
		add(OfBody, "length", "the body has %d bytes, and Content-Length says %d: it isn't the one that was sent", len(c.Body), length)
	}
	packed := bytes.HasPrefix(c.Body, []byte{0x1f, 0x8b})
	if encoding := c.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && !packed && c.Scheme.CoversBody() {
		add(OfBody, "decoded", "Content-Encoding says that the body is compressed, and it isn't: something decoded it, and the compressed bytes, which were signed, can't be had back")
	}
	if len(c.Body) == 0 && c.Scheme.CoversBody() {
		add(OfBody, "empty", "the body is empty: something read it before")
	}
	if is, should := c.signatureLength(); is > 0 && should > 0 && is < should {
		add(OfHeader, "truncated", "the signature has %d characters, and %d is what the scheme's have: it is cut off", is, should)
	}
	for _, name := range fieldsOf(c.Scheme) {
		if value := c.Header.Get(name); strings.Contains(value, "***") || strings.Contains(strings.ToLower(value), "redacted") || strings.Contains(value, "…") {
			add(OfHeader, "redacted", "the value of %s is masked: the tool that made the capture hid it", name)
		}
	}
	mismatch := r.Reason == verifiers.ReasonOf(verifiers.ErrSignatureMismatch)
	if names := c.shapedAs(); len(names) > 0 && !mismatch {
		add(OfProvider, "headers", "the delivery has the header fields of %s: one of those may have sent it, with another secret", strings.Join(names, ", "))
	}
	for _, s := range c.fitsButForKey() {
		add(OfProvider, s.Name, "the delivery is signed as %s signs, with this secret, as far as can be told without asking for the key: try the provider %s", s.Title, s.Name)
	}
	if len(all) > 0 {
		return all
	}
	switch r.Reason {
	case verifiers.ReasonOf(verifiers.ErrSignatureMismatch):
		add(OfSecret, "other", "nothing that usually goes wrong explains it: most likely the secret is another endpoint's, or an older one, or the body was changed in its contents")
	case verifiers.ReasonOf(verifiers.ErrSignatureMissing):
		add(OfHeader, "absent", "there is nothing at %s, where the scheme has its signature: the sender signs only once it has a secret, or something dropped it on its way", c.Scheme.Signature.From)
	case verifiers.ReasonOf(verifiers.ErrTimestampMissing):
		add(OfHeader, "absent", "there is nothing at %s, where the scheme has its time: something dropped it on its way", c.Scheme.Timestamp.From)
	case verifiers.ReasonOf(verifiers.ErrFieldMissing):
		read := c.Scheme
		if read.Alternative != nil && !slices.ContainsFunc(fieldsOf(read)[:1], func(name string) bool { return c.Header.Get(name) != "" }) {
			read = *read.Alternative
		}
		read.Alternative = nil
		absent := slices.DeleteFunc(fieldsOf(read), func(name string) bool { return c.Header.Get(name) != "" })
		if len(absent) > 0 {
			add(OfHeader, "absent", "there is no header field %s, which the scheme reads: something dropped it on its way", strings.Join(absent, ", "))
		} else {
			add(OfHeader, "uncovered", "something that the scheme signs is not there, or not among what is signed here: %s", c.Scheme.Note)
		}
	}
	return all
}

// needs says what the gateway has to be told for a delivery that verifies here.
func (c Case) needs() (all []Change) {
	add := func(kind Kind, name, text string) { all = append(all, Change{kind, name, text}) }
	long, strong := c.options(), c.options()
	long.AllowShort, strong.AllowWeak = false, false
	if c.verify(long).err != nil {
		add(OfSecret, "short", fmt.Sprintf("the secret is shorter than %d bytes: the route needs allow_short", verifiers.MinSecretBytes))
	}
	if c.verify(strong).err != nil {
		add(OfScheme, "weak", "the signature rests on SHA-1: the route needs allow_weak")
	}
	if !c.Scheme.CoversBody() {
		add(OfScheme, "body", "the signature does not cover the body: that it verifies says nothing about the body")
	}
	return all
}

// signatureLength returns how long the signature is and how long one of the scheme is, and 0 where that
// can't be said.
func (c Case) signatureLength() (is, should int) {
	name, ok := strings.CutPrefix(c.Scheme.Signature.From, "header:")
	if !ok || c.Scheme.Signature.List != nil && c.Scheme.Signature.List.Separator != "" || c.Scheme.Algorithm == verifiers.Equal {
		return 0, 0
	}
	v, err := verifiers.New(c.Scheme, []verifiers.Secret{verifiers.NewSecret("", c.Scheme.SampleSecret())}, verifiers.Options{AllowWeak: true, PublicURL: "https://example.com"})
	if err != nil {
		return 0, 0
	}
	header, err := v.Sign(verifiers.Message{ID: "id", Body: []byte("{}"), Method: http.MethodPost, Target: "/", Header: c.Header})
	if err != nil {
		return 0, 0
	}
	return len(c.Header.Get(name)), len(header.Get(name))
}

// fitsButForKey returns the other providers whose deliveries this may be, and whose keys would have to be asked for to
// be sure.
func (c Case) fitsButForKey() (all []verifiers.Scheme) {
	for _, s := range verifiers.Presets() {
		if !s.Fetches() || s.Name == c.Scheme.Name {
			continue
		}
		changed := c
		changed.Scheme, changed.Keys = s, verifiers.NewKeySource(verifiers.KeySourceOptions{Transport: nowhere{}})
		if errors.Is(changed.verify(changed.options()).err, verifiers.ErrKeyUnavailable) {
			all = append(all, s)
		}
	}
	return all
}

// nowhere lets no request out.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("not asked for")
}

// shapedAs returns the other providers whose signatures the header holds, well formed.
func (c Case) shapedAs() (names []string) {
	for _, s := range verifiers.Presets() { // none is asked for a key before the body is verified
		options := verifiers.Options{AllowWeak: true, PublicURL: "https://example.com"}
		if s.Timestamp != nil {
			options.Tolerance = anyTime
		}
		if s.Name == c.Scheme.Name || !strings.HasPrefix(s.Signature.From, "header:") {
			continue
		}
		v, err := verifiers.New(s, []verifiers.Secret{verifiers.NewSecret("", s.SampleSecret())}, options)
		if err != nil {
			continue
		}
		check, err := v.Check(verifiers.Request{Method: c.Method, Header: c.Header, Target: c.Target})
		if err == nil {
			check.Close()
			names = append(names, s.Name)
		}
	}
	return names
}
