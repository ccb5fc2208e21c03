package verifiers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// challengeVector is one request of testdata/challenges and what becomes of it.
type challengeVector struct {
	Name        string            `json:"name"`
	Source      string            `json:"source"`
	Method      string            `json:"method"` // POST if left out
	Target      string            `json:"target"` // "/in" if left out
	Headers     [][2]string       `json:"headers"`
	Body        string            `json:"body"`
	Stage       string            `json:"stage"` // head, body or verified
	Secrets     []string          `json:"secrets"`
	Label       string            `json:"label"` // of all secrets
	AllowShort  bool              `json:"allow_short"`
	VerifyToken string            `json:"verify_token"`
	EncryptKey  string            `json:"encrypt_key"`
	ReceiverID  string            `json:"receiver_id"`
	Keys        map[string]string `json:"keys"` // what can be fetched, by URL
	Now         int64             `json:"now"`
	Accepted    int               `json:"accepted"` // the app's status, of an acknowledgement

	// One of the three.
	Answer *struct {
		Status  int         `json:"status"`
		Type    string      `json:"type"`
		Header  [][2]string `json:"header"`
		Body    string      `json:"body"`
		Private bool        `json:"private"`
		Once    string      `json:"once"`
		Confirm string      `json:"confirm"`
	} `json:"answer"`
	Refused     string `json:"refused"` // the reason
	NoChallenge bool   `json:"no_challenge"`

	scheme    Scheme
	publicURL string
}

// readChallenges reads the vectors of a challenge, as strictly as readVectors.
func readChallenges(t testing.TB, name string) []challengeVector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "challenges", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Challenge string            `json:"challenge"`
		Preset    string            `json:"preset"`
		Scheme    *Scheme           `json:"scheme"` // where no preset has the challenge
		PublicURL string            `json:"public_url"`
		Vectors   []challengeVector `json:"vectors"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("%s: something follows the vectors", name)
	}
	scheme, isPreset := Preset(file.Preset)
	if file.Scheme != nil && !isPreset {
		scheme = *file.Scheme
	}
	if file.Challenge != name || scheme.Challenge != name {
		t.Fatalf("%s: the vectors or the scheme %q are of another challenge", name, scheme.Name)
	}
	for i := range file.Vectors {
		v := &file.Vectors[i]
		v.scheme, v.publicURL = scheme, file.PublicURL
		outcomes := 0
		for _, is := range []bool{v.Answer != nil, v.Refused != "", v.NoChallenge} {
			if is {
				outcomes++
			}
		}
		switch {
		case v.Name == "" || v.Source == "" || outcomes != 1:
			t.Fatalf("%s: vector %d: needs a name, a source and one outcome", name, i+1)
		case v.Refused != "" && !slices.Contains(Reasons(), v.Refused):
			t.Fatalf("%s: %s: %q is no reason", name, v.Name, v.Refused)
		case v.Accepted == 0 && (len(v.Secrets) == 0 || v.Now == 0):
			t.Fatalf("%s: %s: no secret or no clock", name, v.Name)
		}
	}
	return file.Vectors
}

func (v *challengeVector) request() Request {
	return (&vector{Method: v.Method, Target: v.Target, Headers: v.Headers}).request()
}

// verifier returns the verifier of the vector. A vector of an acknowledgement has no settings.
func (v *challengeVector) verifier(t testing.TB) *Verifier {
	t.Helper()
	options := HandshakeOptions{ReceiverID: v.ReceiverID}
	if v.VerifyToken != "" {
		options.VerifyToken = NewSecret("", v.VerifyToken)
	}
	if v.EncryptKey != "" {
		options.EncryptKey = NewSecret("", v.EncryptKey)
	}
	var secrets []Secret
	for _, text := range v.Secrets {
		secrets = append(secrets, NewSecret(v.Label, text))
	}
	if v.Accepted != 0 {
		secrets = secretsOf(v.scheme)
	}
	verifier, err := New(v.scheme, secrets, Options{
		Now: clock(time.Unix(v.Now, 0)), AllowShort: v.AllowShort, AllowWeak: true, PublicURL: v.publicURL, Handshake: &options,
		Keys: NewKeySource(KeySourceOptions{Transport: vendors(v.Keys), Now: clock(certificatesTime)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if verifier.handshake != nil {
		verifier.handshake.random = notRandom
	}
	return verifier
}

// notRandom makes the same answers each time.
func notRandom(p []byte) {
	for i := range p {
		p[i] = 'r'
	}
}

// ask takes the request of a vector to where its stage says.
func (v *challengeVector) ask(t testing.TB) (Answer, error) {
	t.Helper()
	verifier := v.verifier(t)
	h := verifier.Handshake()
	switch {
	case v.Accepted != 0:
		return h.Acknowledgement(nil).Answer(v.Accepted), nil
	case v.Stage == "head":
		return h.Head(v.request())
	case v.Stage == "body":
		return h.Body([]byte(v.Body))
	case v.Stage != "verified":
		t.Fatalf("%q is no stage", v.Stage)
	}
	check, err := verifier.Check(v.request())
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	if _, err := check.Verify([]byte(v.Body)); err != nil {
		t.Fatalf("the vector doesn't verify: %v", err)
	}
	return h.Verified(check, []byte(v.Body))
}

// TestChallengeVectors: every request of the vectors is answered, refused or left alone as its vector
// says.
func TestChallengeVectors(t *testing.T) {
	for _, name := range Challenges() {
		for _, v := range readChallenges(t, name) {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				answer, err := v.ask(t)
				switch {
				case v.NoChallenge:
					if err != ErrNoChallenge {
						t.Errorf("got %v and an answer of %d, want no challenge", err, answer.Status)
					}
				case v.Refused != "":
					if ReasonOf(err) != v.Refused || !errors.Is(err, ErrNotGenuine) {
						t.Errorf("refused with %v (%s), want %s", err, ReasonOf(err), v.Refused)
					}
				default:
					v.compare(t, answer, err)
				}
			})
		}
	}
}

func (v *challengeVector) compare(t *testing.T, answer Answer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	want := v.Answer
	header := make(http.Header)
	if want.Type != "" {
		header.Set("Content-Type", want.Type)
	}
	for _, field := range want.Header {
		header.Add(field[0], field[1])
	}
	if answer.Status != want.Status || string(answer.Body) != want.Body || fmt.Sprint(answer.Header) != fmt.Sprint(header) && len(header)+len(answer.Header) > 0 {
		t.Errorf("got %d %v %q, want %d %v %q", answer.Status, answer.Header, answer.Body, want.Status, header, want.Body)
	}
	if answer.Private != want.Private || answer.Confirm != want.Confirm {
		t.Errorf("private is %t and what has to be confirmed %q", answer.Private, answer.Confirm)
	}
	once := ""
	if answer.Once != nil {
		once = answer.Once()
	}
	if once != want.Once {
		t.Errorf("the secret is %q", once)
	}
}

// TestEveryChallengeHasItsVectors: none goes unproved, no file lies there unread, and every challenge
// that anybody may send has one that is refused.
func TestEveryChallengeHasItsVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "challenges", "*"))
	if err != nil || len(files) != len(Challenges()) {
		t.Errorf("%d files and %d challenges: %v", len(files), len(Challenges()), err)
	}
	for _, name := range Challenges() {
		answered, others := 0, 0
		for _, v := range readChallenges(t, name) {
			if v.Answer != nil {
				answered++
			} else {
				others++
			}
		}
		if answered == 0 || others < 2 && challenges[name].acknowledgement == nil {
			t.Errorf("%s: %d vectors are answered and %d are not", name, answered, others)
		}
	}
}

// TestWhatIsEchoedIsBoundedAndIsNoDocument: whatever a vector's answer holds of the request, a browser
// would show it as text, and it is short.
func TestWhatIsEchoedIsBoundedAndIsNoDocument(t *testing.T) {
	for _, name := range Challenges() {
		for _, v := range readChallenges(t, name) {
			if v.Answer == nil || len(v.Answer.Body) == 0 {
				continue
			}
			answer, err := v.ask(t)
			if err != nil {
				t.Fatal(err)
			}
			kind := answer.Header.Get("Content-Type")
			if kind != "application/json" && kind != "text/plain; charset=utf-8" || len(answer.Body) > 2*maxEcho+100 {
				t.Errorf("%s/%s: %d bytes of %q", name, v.Name, len(answer.Body), kind)
			}
			if kind == "application/json" && !json.Valid(answer.Body) {
				t.Errorf("%s/%s: no JSON: %s", name, v.Name, answer.Body)
			}
		}
	}
}

// TestAnswersDoNotPrint: an answer may hold a secret.
func TestAnswersDoNotPrint(t *testing.T) {
	answer, err := once("a-secret-that-nobody-may-see")
	if err != nil {
		t.Fatal(err)
	}
	answer.Header = http.Header{"X": {"a secret that nobody may see"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, text := range []string{fmt.Sprintf(format, answer), fmt.Sprintf(format, &answer)} {
			if text != "answer to a challenge" {
				t.Errorf("%s prints %q", format, text)
			}
		}
	}
}

// TestSchemesWithoutAChallengeHaveNoHandshake: nothing is answered for a provider that the configuration
// doesn't name, nor where nobody asked for a handshake.
func TestSchemesWithoutAChallengeHaveNoHandshake(t *testing.T) {
	for _, scheme := range Presets() {
		options := Options{AllowWeak: true, PublicURL: "https://hooks.example.com"}
		if scheme.code != nil {
			continue
		}
		v, err := New(scheme, secretsOf(scheme), options)
		if err != nil {
			t.Fatal(err)
		}
		if v.Handshake() != nil {
			t.Errorf("%s has a handshake that nobody asked for", scheme.Name)
		}
		options.Handshake = new(HandshakeOptions)
		if v, err = New(scheme, secretsOf(scheme), options); err != nil {
			t.Fatal(err)
		}
		if got := v.Handshake() != nil; got != (scheme.Challenge != "") {
			t.Errorf("%s names the challenge %q, and that it has a handshake is %t", scheme.Name, scheme.Challenge, got)
		}
	}
	var none *Handshake
	if _, err := none.Head(Request{}); err != ErrNoChallenge {
		t.Error(err)
	}
	if _, err := none.Body(nil); err != ErrNoChallenge {
		t.Error(err)
	}
	if _, err := none.Verified(nil, nil); err != ErrNoChallenge {
		t.Error(err)
	}
	if none.Methods() != nil || none.MaxBody() != 0 || none.Acknowledgement(nil) != nil {
		t.Error("no handshake has something to say")
	}
}

// TestHandshakeOptionsAreThoseOfTheChallenge: an option that does nothing would make somebody feel safe.
func TestHandshakeOptionsAreThoseOfTheChallenge(t *testing.T) {
	key := NewSecret("", strings.Repeat("k", 43))
	scheme := func(challenge string) Scheme {
		return Scheme{Name: "acme", Signature: Signature{From: "header:X-Signature"}, Challenge: challenge}
	}
	for _, test := range []struct {
		challenge string
		options   HandshakeOptions
		problem   string
	}{
		{"", HandshakeOptions{VerifyToken: NewSecret("", "t")}, "verify_token: the handshake of acme has no use for it: leave it out"},
		{"slack", HandshakeOptions{EncryptKey: key}, "encrypt_key: the handshake of acme has no use for it: leave it out"},
		{"feishu", HandshakeOptions{EncryptKey: key}, "encrypt_key: the handshake of acme has no use for it: leave it out"},
		{"meta", HandshakeOptions{VerifyToken: NewSecret("", "")}, "verify_token: secret is empty"},
		{"wecom", HandshakeOptions{ReceiverID: "ww1"}, "receiver_id: it stands in what is encrypted: add the encrypt_key"},
		{"feishu", HandshakeOptions{ReceiverID: "ww1"}, "receiver_id: the handshake of acme has no use for it: leave it out"},
		{"dingtalk", HandshakeOptions{EncryptKey: key}, "encrypt_key: the handshake of acme needs a receiver_id besides"},
		{"dingtalk", HandshakeOptions{EncryptKey: key, ReceiverID: "ding1"}, ""},
		{"dingtalk", HandshakeOptions{}, ""},
		{"wecom", HandshakeOptions{EncryptKey: key, ReceiverID: "ww1"}, ""},
		{"wecom", HandshakeOptions{EncryptKey: NewSecret("", "k")}, "encrypt_key: secret is not written as the scheme's keys are: expected the 43 letters"},
		{"sns", HandshakeOptions{}, `scheme acme: challenge "sns" is of aws-sns alone, whose secrets are the topics: leave it out`},
		{"knock", HandshakeOptions{}, `scheme acme: challenge "knock" is unknown: use one of adyen, `},
		{"wecom", HandshakeOptions{EncryptKey: key}, ""},
		{"meta", HandshakeOptions{}, ""},
	} {
		_, err := New(scheme(test.challenge), identitySecrets, Options{Handshake: &test.options})
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.challenge, err)
		case test.problem != "" && (err == nil || !strings.HasPrefix(err.Error(), test.problem)):
			t.Errorf("%s: got error %v, want %q", test.challenge, err, test.problem)
		}
	}
}

// TestNoChallengeOfXSignsADelivery: what the challenge signs for anybody is refused as a delivery, and
// nothing else is signed, however the two are put.
func TestNoChallengeOfXSignsADelivery(t *testing.T) {
	scheme, _ := Preset("x-twitter")
	v, err := New(scheme, identitySecrets, Options{Handshake: new(HandshakeOptions)})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "1", "true", "null", "a.b", "dG9rZW4=", strings.Repeat("a", maxEcho), `{"a":1}`, "[]", `"a"`, " 1", "", "1 "} {
		answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?crc_token=" + strings.ReplaceAll(text, " ", "%20")})
		if err != nil {
			continue
		}
		var token struct {
			Response string `json:"response_token"`
		}
		if err := json.Unmarshal(answer.Body, &token); err != nil {
			t.Fatal(err)
		}
		check, err := v.Check(Request{Method: http.MethodPost, Target: "/in", Header: http.Header{"X-Twitter-Webhooks-Signature": {token.Response}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Verify([]byte(text)); err != nil {
			t.Fatalf("%q: the test has nothing to refuse: %v", text, err)
		}
		if _, err := v.Handshake().Verified(check, []byte(text)); err != ErrChallengeText {
			t.Errorf("%q: %v", text, err)
		}
		check.Close()
	}
}

// TestAChallengeOfXSignsNoDeliveryOfAnyContent: a scheme of one's own may sign other texts than the body alone, and
// what counts is whether the challenge signs such a text.
func TestAChallengeOfXSignsNoDeliveryOfAnyContent(t *testing.T) {
	scheme := Scheme{Signature: Signature{From: "header:X-Signature", Encoding: Base64, List: &List{Assign: "=", Key: "sha256"}}, Challenge: "x"}
	for _, test := range []struct {
		content, signed, body string
	}{
		{"{header:X-Id}.{header:X-Kind}", "1.order", `{"forged":true}`},
		{"{header:X-Id}.{body}", "1.", ""},
		{"{header:X-Id}.{body}", "1.a", "a"},
		{"{body}", "a", "a"},
	} {
		scheme.Content = test.content
		v, err := New(scheme, identitySecrets, Options{Handshake: new(HandshakeOptions)})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?crc_token=" + test.signed})
		if err != nil {
			t.Fatal(err)
		}
		var token struct {
			Response string `json:"response_token"`
		}
		if err := json.Unmarshal(answer.Body, &token); err != nil {
			t.Fatal(err)
		}
		check, err := v.Check(Request{Method: http.MethodPost, Header: http.Header{"X-Signature": {token.Response}, "X-Id": {"1"}, "X-Kind": {"order"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Verify([]byte(test.body)); err != nil {
			t.Fatalf("%q of %q: the test has nothing to refuse: %v", test.body, test.content, err)
		}
		if _, err := v.Handshake().Verified(check, []byte(test.body)); err != ErrChallengeText {
			t.Errorf("%q of %q: %v", test.body, test.content, err)
		}
		check.Close()
	}
}

// TestAChallengeOfLinkedInSignsNoDeliveryOfAnyContent: LinkedIn puts something in front of the body that it signs, and
// a scheme of one's own need not.
func TestAChallengeOfLinkedInSignsNoDeliveryOfAnyContent(t *testing.T) {
	const code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
	v, err := New(Scheme{Signature: Signature{From: "header:X-Signature"}, Content: "{body}", Challenge: "linkedin"}, identitySecrets, Options{Handshake: new(HandshakeOptions)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?challengeCode=" + code})
	if err != nil {
		t.Fatal(err)
	}
	var signed struct{ ChallengeResponse string }
	if err := json.Unmarshal(answer.Body, &signed); err != nil {
		t.Fatal(err)
	}
	check, err := v.Check(Request{Method: http.MethodPost, Header: http.Header{"X-Signature": {signed.ChallengeResponse}}})
	if err != nil {
		t.Fatal(err)
	}
	defer check.Close()
	if _, err := check.Verify([]byte(code)); err != nil {
		t.Fatalf("the test has nothing to refuse: %v", err)
	}
	if _, err := v.Handshake().Verified(check, []byte(code)); err != ErrChallengeText {
		t.Error(err)
	}
}

// TestLinkedInsChallengeIsSignedForTheAppThatItNames: an app with child apps is asked for each, and is blocked if one
// is answered under another's secret.
func TestLinkedInsChallengeIsSignedForTheAppThatItNames(t *testing.T) {
	const code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
	scheme, _ := Preset("linkedin")
	secrets := map[string]string{"1": "the secret of the app itself", "23": "the secret of a child app"}
	v, err := New(scheme, []Secret{NewSecret("1", secrets["1"]), NewSecret("23", secrets["23"])}, Options{Handshake: new(HandshakeOptions)})
	if err != nil {
		t.Fatal(err)
	}
	for query, label := range map[string]string{"": "1", "&applicationId=1": "1", "&applicationId=23": "23", "&applicationId=4": "1", "&applicationId=": "1"} {
		answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?challengeCode=" + code + query})
		mac := hmac.New(sha256.New, []byte(secrets[label]))
		mac.Write([]byte(code))
		if err != nil || !strings.Contains(string(answer.Body), hex.EncodeToString(mac.Sum(nil))) {
			t.Errorf("%q: %s, %v", query, answer.Body, err)
		}
	}
	if _, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?challengeCode=" + code + "&applicationId=1&applicationId=23"}); err != ErrChallengeMalformed {
		t.Error(err)
	}
}

// TestBraintreesChallengeIsNobodyElses: another scheme wouldn't refuse the texts that it signs.
func TestBraintreesChallengeIsNobodyElses(t *testing.T) {
	scheme := Scheme{Name: "acme", Signature: Signature{From: "header:X-Signature"}, Content: "{body}", Challenge: "braintree"}
	if _, err := New(scheme, identitySecrets, Options{Handshake: new(HandshakeOptions)}); err == nil || !strings.Contains(err.Error(), "braintree alone") {
		t.Error(err)
	}
}

// TestChallengesThatSignNeedAnHMAC: with any other algorithm there is no key to sign with, which is said when the
// configuration loads and not by a panic when the challenge comes.
func TestChallengesThatSignNeedAnHMAC(t *testing.T) {
	for name, a := range algorithms {
		scheme := Scheme{Name: "acme", Signature: Signature{From: "header:X-Signature"}, Algorithm: name}
		switch a.kind {
		case publicKind:
			scheme.Key = PEM
		case digestKind:
			scheme.Content = "{body}{secret}"
		}
		for _, challenge := range []string{"", "x", "linkedin", "zoom"} {
			scheme.Challenge = challenge
			_, err := New(scheme, []Secret{NewSecret("", scheme.SampleSecret())}, Options{AllowWeak: true, Handshake: new(HandshakeOptions)})
			if good := challenge == "" || a.kind == hmacKind; (err == nil) != good {
				t.Errorf("%s with challenge %q: %v", name, challenge, err)
			}
		}
	}
}

// fuzzChallenges gives a fuzzer the requests of a stage's vectors, and returns their verifiers by name.
func fuzzChallenges(f *testing.F, stage string, add func(name string, v challengeVector)) map[string]*Handshake {
	f.Helper()
	handshakes := make(map[string]*Handshake)
	for _, name := range Challenges() {
		for _, v := range readChallenges(f, name) {
			if v.Stage == stage {
				handshakes[name] = v.verifier(f).Handshake()
				add(name, v)
			}
		}
	}
	return handshakes
}

// TestWhatShowsAVerifyTokenIsPrivate: whatever else is wrong with a challenge, it must not be logged if it has the
// token.
func TestWhatShowsAVerifyTokenIsPrivate(t *testing.T) {
	scheme, _ := Preset("meta")
	v, err := New(scheme, identitySecrets, Options{Handshake: &HandshakeOptions{VerifyToken: NewSecret("", "the-token")}})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]error{
		"hub.mode=subscribe&hub.verify_token=the-token&hub.challenge=1":        nil,
		"hub.mode=subscribe&hub.verify_token=the-token&hub.challenge=<script>": ErrChallengeMalformed,
		"hub.mode=other&hub.verify_token=the-token&hub.challenge=1":            ErrChallengeRefused,
	} {
		if answer, err := v.Handshake().Head(Request{Method: http.MethodGet, Target: "/in?" + query}); err != want || !answer.Private {
			t.Errorf("%s: %v, private is %t", query, err, answer.Private)
		}
	}
}

// checkEcho fails if an answer could be taken for anything but a short text.
func checkEcho(t *testing.T, answer Answer, err error) {
	t.Helper()
	switch {
	case err == ErrNoChallenge, errors.Is(err, ErrNotGenuine):
		return
	case err != nil:
		t.Fatal(err)
	}
	kind := answer.Header.Get("Content-Type")
	if len(answer.Body) > 2*maxEcho+100 || len(answer.Body) > 0 && kind != "application/json" && kind != "text/plain; charset=utf-8" {
		t.Errorf("%d bytes of %q", len(answer.Body), kind)
	}
	for _, values := range answer.Header {
		for _, value := range values {
			if len(value) > maxEcho || strings.ContainsAny(value, "\r\n\x00<") {
				t.Errorf("a header of %q", value)
			}
		}
	}
	if kind == "application/json" && !json.Valid(answer.Body) {
		t.Errorf("no JSON: %q", answer.Body)
	}
}

// FuzzChallengesOfTheHead: nothing in a query or a header makes an answer that isn't a short text.
func FuzzChallengesOfTheHead(f *testing.F) {
	handshakes := fuzzChallenges(f, "head", func(name string, v challengeVector) {
		r := v.request()
		_, query, _ := strings.Cut(r.Target, "?")
		value := ""
		if len(v.Headers) > 0 {
			value = v.Headers[0][1]
		}
		f.Add(name, r.Method, query, value)
	})
	f.Fuzz(func(t *testing.T, name, method, query, value string) {
		h := handshakes[name]
		header := make(http.Header)
		for _, field := range []string{"X-Hook-Secret", "X-Okta-Verification-Challenge"} {
			header.Set(field, value)
		}
		answer, err := h.Head(Request{Method: method, Target: "/in?" + query, Header: header})
		checkEcho(t, answer, err)
	})
}

// FuzzChallengesOfTheBody: nothing in a body does, encrypted or not.
func FuzzChallengesOfTheBody(f *testing.F) {
	add := func(name string, v challengeVector) { f.Add(name, []byte(v.Body)) }
	unsigned := fuzzChallenges(f, "body", add)
	signed := fuzzChallenges(f, "verified", add)
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		answer, err := unsigned[name].Body(body)
		checkEcho(t, answer, err)
		if h := signed[name]; h != nil {
			check := &Check{verifier: h.verifier, matched: h.verifier.secrets[0], request: Request{Header: http.Header{"Twitch-Eventsub-Message-Type": {"webhook_callback_verification"}}}}
			answer, err = h.Verified(check, body)
			checkEcho(t, answer, err)
		}
	})
}

// FuzzDecryptedChallenges: no text under the right key makes the decoders of Feishu and WeCom panic or
// read beyond it.
func FuzzDecryptedChallenges(f *testing.F) {
	for _, name := range []string{"feishu", "wecom", "dingtalk"} {
		for _, v := range readChallenges(f, name) {
			f.Add(strings.TrimSuffix(strings.TrimPrefix(v.Body, `{"encrypt":"`), `"}`))
		}
	}
	key := bytes.Repeat([]byte("k"), 32)
	f.Fuzz(func(t *testing.T, text string) {
		if plain, ok := feishuDecrypt("test-encrypt-key", text); ok && len(plain) > len(text) {
			t.Errorf("%d bytes of %d", len(plain), len(text))
		}
		plain, receiver := wecomDecrypt(key, text)
		if len(plain)+len(receiver) > len(text) {
			t.Errorf("%d bytes of %d", len(plain)+len(receiver), len(text))
		}
		if plain != nil && len(plain) < 64 {
			again, err := wecomEncrypt(key, [16]byte{}, string(plain), receiver)
			if err != nil {
				t.Fatal(err)
			}
			if message, id := wecomDecrypt(key, again); string(message) != string(plain) || id != receiver {
				t.Errorf("%q for %q is %q for %q when it is encrypted again", plain, receiver, message, id)
			}
		}
	})
}

// FuzzTopics: what is accepted as a topic leads to a host of Amazon's, whatever else it says.
func FuzzTopics(f *testing.F) {
	f.Add("arn:aws:sns:eu-central-1:123456789012:orders", "token")
	f.Add("arn:aws-cn:sns:cn-north-1:123456789012:orders.fifo", "a&b=c")
	f.Add("arn:aws-us-gov:sns:us-gov-west-1:123456789012:*", "")
	f.Fuzz(func(t *testing.T, arn, token string) {
		parsed, err := parseTopic(arn)
		if err != nil {
			return
		}
		u := parsed.confirmation(arn, token)
		host, _, _ := strings.Cut(strings.TrimPrefix(u, "https://"), "/")
		if !strings.HasPrefix(u, "https://sns.") || !strings.HasSuffix(strings.TrimSuffix(host, ".cn"), ".amazonaws.com") || strings.ContainsAny(host, "@:?#") {
			t.Errorf("%q leads to %q", arn, u)
		}
	})
}
