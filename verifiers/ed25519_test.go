package verifiers

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The key pair of Svix's tests.
const (
	testPrivate = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	testPublic  = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
)

// standard returns a verifier of the preset standard whose clock stands at 1614265330.
func standard(t *testing.T, secrets ...string) *Verifier {
	t.Helper()
	scheme, _ := Preset("standard")
	var all []Secret
	for _, text := range secrets {
		all = append(all, NewSecret(text[:5], text))
	}
	v, err := New(scheme, all, Options{Now: clock(time.Unix(1614265330, 0))})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The signatures are those that the vector of another implementation has.
func TestAPrivateKeySignsAsThePublishedVector(t *testing.T) {
	body := []byte(`{"test": 2432232314}`)
	symmetric := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	header, err := standard(t, symmetric, testPrivate).Sign(Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
	if got := header.Get("Webhook-Signature"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, secret := range []string{symmetric, testPrivate, testPublic} {
		d, err := verify(standard(t, secret), Request{Header: header}, body)
		if err != nil || d.Key != secret[:5] {
			t.Errorf("%s: %v, %v", secret[:5], d, err)
		}
	}
}

func TestAPublicKeyCanNotSign(t *testing.T) {
	_, err := standard(t, testPrivate, testPublic).Sign(Message{ID: "msg_1"})
	if err == nil || err.Error() != "scheme standard: secret 2 is a public key, which can't sign: use the private key" {
		t.Error(err)
	}
}

// newPrivateKeys returns Ed25519 keys that nothing else uses.
func newPrivateKeys(count int) (texts []string) {
	for i := range count {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
		texts = append(texts, privatePrefix+base64.StdEncoding.EncodeToString(key))
	}
	return texts
}

// Each Ed25519 signature costs a check under each key, over the whole body.
func TestADeliveryCostsFewEd25519Checks(t *testing.T) {
	body := []byte("{}")
	header, err := standard(t, testPrivate).Sign(Message{ID: "msg_1", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	right := header.Get("Webhook-Signature")
	wrong := "v1a," + strings.Repeat("A", 86) + "=="
	for keys, signatures := range map[int]int{1: 4, 2: 2, 3: 1, 4: 1} {
		v := standard(t, append(newPrivateKeys(keys-1), testPublic)...)
		for offered, want := range map[int]error{signatures: nil, signatures + 1: ErrTooManySignatures} {
			header := header.Clone()
			header.Set("Webhook-Signature", strings.Join(append(slices.Repeat([]string{wrong}, offered-1), right), " "))
			if _, err := verify(v, Request{Header: header}, body); err != want {
				t.Errorf("%d keys, %d signatures: %v, want %v", keys, offered, err, want)
			}
		}
	}
	// To others they are other versions, however many.
	symmetric := standard(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if header, err = symmetric.Sign(Message{ID: "msg_1", Body: body}); err != nil {
		t.Fatal(err)
	}
	header.Set("Webhook-Signature", strings.Repeat(wrong+" ", 30)+header.Get("Webhook-Signature"))
	if _, err := verify(symmetric, Request{Header: header}, body); err != nil {
		t.Error(err)
	}
}

// lender lends memory and counts.
type lender struct {
	t       *testing.T
	lent    []int // sizes
	full    error
	current int // how many pieces are out
}

func (l *lender) space(size int) ([]byte, func(), error) {
	if l.full != nil {
		return nil, nil, l.full
	}
	l.lent = append(l.lent, size)
	l.current++
	// What is there from before must not count.
	return bytes.Repeat([]byte("x"), size)[:size:size], func() { l.current-- }, nil
}

// wants checks the sizes of what was lent since the last call, and that none is out.
func (l *lender) wants(what string, sizes ...int) {
	l.t.Helper()
	if !slices.Equal(l.lent, sizes) || l.current != 0 {
		l.t.Errorf("%s: took %v and kept %d, want %v", what, l.lent, l.current, sizes)
	}
	l.lent = nil
}

// Whoever counts the memory of bodies must be able to count that of their copies.
func TestEd25519TakesOneCopyOfTheBodyAndGivesItBack(t *testing.T) {
	l := &lender{t: t}
	scheme, _ := Preset("standard")
	open := func(texts ...string) *Verifier {
		var secrets []Secret
		for _, text := range texts {
			secrets = append(secrets, NewSecret("", text))
		}
		v, err := New(scheme, secrets, Options{Now: clock(time.Unix(1614265330, 0)), Space: l.space})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const symmetric = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := []byte(`{"test": 2432232314}`)
	size := len("msg_1.1614265330.") + len(body)

	signer := open(append(newPrivateKeys(1), symmetric, testPrivate)...)
	header, err := signer.Sign(Message{ID: "msg_1", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	l.wants("two keys that sign", size)
	if _, err := signer.Sign(Message{ID: "msg_1"}); err != nil {
		t.Fatal(err)
	}
	l.wants("an empty body")
	if _, err := open(symmetric).Sign(Message{ID: "msg_1", Body: body}); err != nil {
		t.Fatal(err)
	}
	l.wants("a symmetric key")

	v := open(append(newPrivateKeys(1), symmetric, testPublic)...)
	request := Request{Header: header}
	if _, err := verify(v, request, body); err != nil {
		t.Fatal(err)
	}
	l.wants("two keys and two signatures", size)
	if _, err := verify(v, request, body[1:]); err != ErrSignatureMismatch {
		t.Fatal(err)
	}
	l.wants("a forgery", size-1)
	if _, err := verify(open(symmetric), request, body); err != nil {
		t.Fatal(err)
	}
	l.wants("a symmetric key")
	header.Set("Webhook-Signature", strings.Fields(header.Get("Webhook-Signature"))[1]) // the symmetric one
	if _, err := verify(v, request, body); err != nil {
		t.Fatal(err)
	}
	l.wants("a symmetric signature")
}

func TestWithoutRoomForTheCopyNothingIsSaidOfTheDelivery(t *testing.T) {
	l := &lender{t: t}
	scheme, _ := Preset("standard")
	v, err := New(scheme, []Secret{NewSecret("", testPrivate)}, Options{Now: clock(time.Unix(1614265330, 0)), Space: l.space})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{ID: "msg_1", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	l.full = errors.New("no room")
	if _, err := verify(v, Request{Header: header}, []byte("{}")); err != l.full {
		t.Errorf("Verify: %v", err)
	}
	if _, err := v.Sign(Message{ID: "msg_1", Body: []byte("{}")}); !errors.Is(err, l.full) || errors.Is(err, ErrNotGenuine) {
		t.Errorf("Sign: %v", err)
	}
}

// What is signed with as many keys as there may be is genuine to whoever has one of them.
func TestAsManyEd25519KeysSignAsAreChecked(t *testing.T) {
	texts := newPrivateKeys(MaxPublicKeys + 1)
	header, err := standard(t, texts[:MaxPublicKeys]...).Sign(Message{ID: "msg_1"})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts[:MaxPublicKeys] {
		if _, err := verify(standard(t, text), Request{Header: header}, nil); err != nil {
			t.Errorf("key %d: %v", i+1, err)
		}
	}
	var secrets []Secret
	for _, text := range append([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, texts...) {
		secrets = append(secrets, NewSecret("", text))
	}
	scheme, _ := Preset("standard")
	const want = "secret 6: one public key more than the 4 that there may be: leave out those that nobody uses any more"
	if _, err := New(scheme, secrets, Options{}); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestAnEd25519KeyMustBeWhole(t *testing.T) {
	scheme, _ := Preset("standard")
	private, _ := base64.StdEncoding.DecodeString(testPrivate[5:])
	mixed := slices.Concat(private[:32], make([]byte, 32))
	for _, text := range []string{
		"whpk_", "whsk_", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4", "whpk_AAAA", "whsk_" + testPublic[5:], "whpk_" + testPrivate[5:],
		"whsk_" + base64.StdEncoding.EncodeToString(mixed), "whpk_!", testPublic + "\n\n ",
	} {
		_, err := New(scheme, []Secret{NewSecret("", text)}, Options{AllowShort: true})
		if !errors.Is(err, ErrSecretForm) || strings.Contains(err.Error(), "1SiA") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Where a scheme has no Ed25519 signatures the prefixes mean nothing.
func TestOtherSchemesTakeTheTextOfAKeyAsItIs(t *testing.T) {
	github, _ := Preset("github")
	v, err := New(github, []Secret{NewSecret("", testPublic)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := v.Sign(Message{Body: []byte("{}")})
	if err != nil || !strings.HasPrefix(header.Get("X-Hub-Signature-256"), "sha256=") {
		t.Errorf("%v, %v", header, err)
	}
}

func TestEd25519NeedsAListWithItsOwnName(t *testing.T) {
	for name, change := range map[string]func(*Scheme){
		"no separator":     func(s *Scheme) { s.Signature.List.Separator = "" },
		"the same name":    func(s *Scheme) { s.Signature.List.Ed25519 = "v1" },
		"another key form": func(s *Scheme) { s.Key = Base64Key },
	} {
		scheme, _ := Preset("standard")
		scheme.Alternative = nil
		change(&scheme)
		_, err := New(scheme, []Secret{NewSecret("", testPublic)}, Options{})
		if err == nil || !strings.Contains(err.Error(), "Ed25519 signatures need a list") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzEd25519Signature: only the bytes that the key signed verify, whatever else is offered.
func FuzzEd25519Signature(f *testing.F) {
	scheme, _ := Preset("standard")
	v, err := New(scheme, []Secret{NewSecret("", testPrivate)}, Options{Now: clock(time.Unix(1614265330, 0))})
	if err != nil {
		f.Fatal(err)
	}
	body := []byte(`{"test": 2432232314}`)
	header, err := v.Sign(Message{ID: "msg_1", Body: body})
	if err != nil {
		f.Fatal(err)
	}
	right, _ := strings.CutPrefix(header.Get("Webhook-Signature"), "v1a,")
	sum, _ := base64.StdEncoding.DecodeString(right)
	f.Add("v1a,"+right, body)
	f.Add("v1,"+right, body)
	f.Add("v1a,"+right+" v1a,"+right, []byte{})
	f.Add("v1a,"+strings.Repeat("0", len(right)), body) // no padding: two bytes more than a signature has
	f.Fuzz(func(t *testing.T, value string, sent []byte) {
		header := http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {value}}
		_, err := verify(v, Request{Header: header}, sent)
		if err == nil && (!strings.Contains(value, right) || string(sent) != string(body) || len(sum) != ed25519.SignatureSize) {
			t.Errorf("%q verifies with %q", sent, value)
		}
	})
}

func TestHeaderNamesAreThoseOfTheSchemeAndItsAlternative(t *testing.T) {
	for preset, want := range map[string][]string{
		"generic":  {"X-Webhook-Signature"},
		"github":   {"X-Hub-Signature-256", "X-Github-Delivery", "X-Github-Event"},
		"standard": {"Webhook-Signature", "Webhook-Timestamp", "Webhook-Id", "Svix-Signature", "Svix-Timestamp", "Svix-Id"},
		"stripe":   {"Stripe-Signature"},
	} {
		scheme, _ := Preset(preset)
		v, err := New(scheme, identitySecrets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.HeaderNames(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", preset, got, want)
		}
	}
}
