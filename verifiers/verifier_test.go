package verifiers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNewSaysWhatIsWrong: every scheme, secret and option that New refuses, with the text of the
// error, which is what whoever wrote the configuration reads.
func TestNewSaysWhatIsWrong(t *testing.T) {
	const good = "0123456789abcdef"
	base := func(change func(*Scheme)) Scheme {
		s := Scheme{Name: "acme", Signature: Signature{From: "header:S"}}
		change(&s)
		return s
	}
	content := func(template string) Scheme { return base(func(s *Scheme) { s.Content = template }) }
	timed := func(timestamp Timestamp) Scheme {
		return base(func(s *Scheme) { s.Content, s.Timestamp = "{timestamp}.{body}", &timestamp })
	}
	touching := func(timestamp Timestamp, template string) Scheme {
		return base(func(s *Scheme) { s.Content, s.Timestamp = template, &timestamp })
	}
	const endless = "scheme acme: timestamp: unit auto: its length doesn't tell where it ends in the content: part it from what stands beside it, or use s or ms"
	plain := base(func(*Scheme) {})
	const placeholders = "use {body}, {timestamp}, {http_method}, {url}, {secret}, {header:NAME}, {query:NAME} or {json:PATH}"
	for _, test := range []struct {
		scheme  Scheme
		options Options
		secrets []string
		want    string
	}{
		{plain, Options{}, nil, `scheme acme: no secret: give at least one`},
		{plain, Options{}, make([]string, 17), `scheme acme: 17 secrets: give at most 16`},
		{Scheme{Signature: Signature{From: "header:S"}}, Options{}, nil, `scheme custom: no secret: give at least one`},
		{plain, Options{}, []string{good, ""}, `secret 2: secret is empty`},
		{plain, Options{AllowShort: true}, []string{""}, `secret 1: secret is empty`},
		{plain, Options{}, []string{good[1:]}, `secret 1: secret is shorter than 16 bytes`},
		{base(func(s *Scheme) { s.Key = HexKey }), Options{}, []string{"not hex at all, is it?"}, `secret 1: secret is not written as the scheme's keys are: expected hex`},
		{base(func(s *Scheme) { s.Key = Base64Key }), Options{}, []string{"not base64 at all!"}, `secret 1: secret is not written as the scheme's keys are: expected base64`},
		{base(func(s *Scheme) { s.Key = Whsec }), Options{}, []string{"whsec_not base64 at all!"}, `secret 1: secret is not written as the scheme's keys are: expected whsec_ and base64`},
		{base(func(s *Scheme) { s.Key = Whsec }), Options{AllowShort: true}, []string{"whsec_"}, `secret 1: secret is empty`},

		{base(func(s *Scheme) { s.Algorithm = "md5" }), Options{}, []string{good}, `scheme acme: algorithm "md5" is unknown: use ecdsa-p256-sha256, ed25519, equal, hmac-sha1, hmac-sha256, hmac-sha384, hmac-sha512, rsa-pss-sha256, rsa-pss-sha512, rsa-sha1, rsa-sha256, sha1 or sha256`},
		{base(func(s *Scheme) { s.Algorithm = "none" }), Options{}, []string{good}, `scheme acme: algorithm "none" is unknown: use ecdsa-p256-sha256, ed25519, equal, hmac-sha1, hmac-sha256, hmac-sha384, hmac-sha512, rsa-pss-sha256, rsa-pss-sha512, rsa-sha1, rsa-sha256, sha1 or sha256`},
		{base(func(s *Scheme) { s.Key = "raw" }), Options{}, []string{good}, `scheme acme: key form "raw" is none of hmac-sha256: use utf8, hex, base64, whsec or whsec-or-utf8`},
		{base(func(s *Scheme) { s.Signature.Encoding = "HEX" }), Options{}, []string{good}, `scheme acme: encoding "HEX" is unknown: use hex, base64, base64url or base64-escaped`},
		{base(func(s *Scheme) { s.Signature.Encoding = Plain }), Options{}, []string{good}, `scheme acme: encoding "plain" is unknown: use hex, base64, base64url or base64-escaped`},
		{base(func(s *Scheme) { s.Algorithm = Ed25519 }), Options{}, []string{good}, `scheme acme: key form "utf8" is none of ed25519: use hex, base64, whpk, spki or pem`},
		{base(func(s *Scheme) { s.Algorithm, s.Key = RSASHA256, Whsec }), Options{}, []string{good}, `scheme acme: key form "whsec" is none of rsa-sha256: use spki or pem`},
		{base(func(s *Scheme) { s.Key = PEM }), Options{}, []string{good}, `scheme acme: key form "pem" is none of hmac-sha256: use utf8, hex, base64, whsec or whsec-or-utf8`},
		{base(func(s *Scheme) { s.Key = Opaque }), Options{}, []string{good}, `scheme acme: key form "opaque" is none of hmac-sha256: use utf8, hex, base64, whsec or whsec-or-utf8`},
		{base(func(s *Scheme) { s.Algorithm = HMACSHA1 }), Options{}, []string{good}, `scheme acme: SHA-1 is weak: whoever can choose what is signed may find two contents with one signature`},
		{base(func(s *Scheme) { s.Algorithm, s.Key = RSASHA1, PEM }), Options{}, []string{good}, `scheme acme: SHA-1 is weak: whoever can choose what is signed may find two contents with one signature`},
		{base(func(s *Scheme) { s.Algorithm = SHA256 }), Options{}, []string{good}, `scheme acme: content "{body}": anybody can compute a plain hash of it: put {secret} in, or use an HMAC`},
		{base(func(s *Scheme) { s.Algorithm, s.Content = Equal, "{body}" }), Options{}, []string{good}, `scheme acme: content "{body}": nothing is signed where the secret itself is sent: leave it out`},
		{base(func(s *Scheme) { s.Signature.From = "json:a.*.b" }), Options{}, []string{good}, `scheme acme: signature: place "json:a.*.b": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) { s.ID = []string{"header:X-Id-*"} }), Options{}, []string{good}, `scheme acme: id: place "header:X-Id-*": write it as header:NAME or query:NAME or json:PATH or form:NAME`},
		{base(func(s *Scheme) { s.KeyID = "json:key" }), Options{}, []string{good}, `scheme acme: key id: place "json:key": write it as header:NAME or query:NAME`},
		{base(func(s *Scheme) { s.URLForm = "escaped" }), Options{}, []string{good}, `scheme acme: URL form "escaped" is unknown: use decoded, or leave it out`},
		{content("{secret}{body}{secret}"), Options{}, []string{good}, `scheme acme: content "{secret}{body}{secret}": {secret} stands twice: write it once`},
		{content("{secret}"), Options{}, []string{good}, `scheme acme: content "{secret}": covers nothing of the delivery: add {body}`},
		{Scheme{Name: "acme"}, Options{}, []string{good}, `scheme acme: signature: place "": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) { s.Signature.From = "X-Signature" }), Options{}, []string{good}, `scheme acme: signature: place "X-Signature": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) { s.Signature.From = "header:" }), Options{}, []string{good}, `scheme acme: signature: place "header:": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) { s.Signature.From = "list:v1" }), Options{}, []string{good}, `scheme acme: signature: place "list:v1": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) { s.Signature.From = "json:a..b" }), Options{}, []string{good}, `scheme acme: signature: place "json:a..b": JSON path has an empty step`},
		{base(func(s *Scheme) { s.Signature.List = &List{Separator: ",", Assign: "="} }), Options{}, []string{good}, `scheme acme: signature: a list needs a key, and a separator other than its assign`},
		{base(func(s *Scheme) { s.Signature.List = &List{Separator: "=", Assign: "=", Key: "v1"} }), Options{}, []string{good}, `scheme acme: signature: a list needs a key, and a separator other than its assign`},
		{base(func(s *Scheme) { s.ID = []string{"json:id", "id"} }), Options{}, []string{good}, `scheme acme: id: place "id": write it as header:NAME or query:NAME or json:PATH or form:NAME`},
		{base(func(s *Scheme) { s.Event = []string{"list:t"} }), Options{}, []string{good}, `scheme acme: event: place "list:t": write it as header:NAME or query:NAME or json:PATH or form:NAME`},

		{content("{timestamp}.{body"), Options{}, []string{good}, `scheme acme: content "{timestamp}.{body": a placeholder isn't closed: end it with }`},
		{content("{body}.{body}"), Options{}, []string{good}, `scheme acme: content "{body}.{body}": {body} stands twice: write it once`},
		{content("{raw}"), Options{}, []string{good}, `scheme acme: content "{raw}": {raw} is not a placeholder: ` + placeholders},
		{content("{}"), Options{}, []string{good}, `scheme acme: content "{}": {} is not a placeholder: ` + placeholders},
		{content("{ts}.{body}"), Options{}, []string{good}, `scheme acme: content "{ts}.{body}": {ts} is not a placeholder: ` + placeholders},
		{content("{header:}.{body}"), Options{}, []string{good}, `scheme acme: content "{header:}.{body}": place "header:": write it as header:NAME or query:NAME or json:PATH`},
		{content("{list:t}.{body}"), Options{}, []string{good}, `scheme acme: content "{list:t}.{body}": place "list:t": write it as header:NAME or query:NAME or json:PATH`},
		{content(`{json:a\}`), Options{}, []string{good}, `scheme acme: content "{json:a\\}": place "json:a\\": JSON path ends with a backslash`},
		{content("text"), Options{}, []string{good}, `scheme acme: content "text": covers nothing of the delivery: add {body}`},
		{content("{http_method} {url}"), Options{}, []string{good}, `scheme acme: content "{http_method} {url}": covers nothing of the delivery: add {body}`},
		{content("{timestamp}.{body}"), Options{}, []string{good}, `scheme acme: content has {timestamp}, but the scheme doesn't say where the timestamp is: set it`},

		{timed(Timestamp{From: "X-Time"}), Options{}, []string{good}, `scheme acme: timestamp: place "X-Time": write it as header:NAME or query:NAME or json:PATH or list:KEY`},
		{timed(Timestamp{From: "list:t"}), Options{}, []string{good}, `scheme acme: timestamp: is in the signature's list: give the signature a list with a separator and another key than the timestamp's`},
		{touching(Timestamp{From: "header:T", Unit: AutoUnit}, "{timestamp}{body}"), Options{}, []string{good}, endless},
		{touching(Timestamp{From: "header:T", Unit: AutoUnit}, "{body}.{timestamp}{header:I}"), Options{}, []string{good}, endless},
		{touching(Timestamp{From: "header:T", Unit: AutoUnit}, "v1{timestamp}.{body}"), Options{}, []string{good}, endless},
		{touching(Timestamp{From: "header:T", Unit: AutoUnit}, "{header:T}{body}"), Options{}, []string{good}, endless},
		{timed(Timestamp{From: "header:T", Unit: "us"}), Options{}, []string{good}, `scheme acme: timestamp: unit "us" is unknown: use s, ms, auto or rfc3339`},
		{timed(Timestamp{From: "header:T", Tolerance: -1}), Options{}, []string{good}, `scheme acme: tolerance: must be positive`},
		{timed(Timestamp{From: "header:T"}), Options{Tolerance: -time.Second}, []string{good}, `scheme acme: tolerance: must be positive`},
		{base(func(s *Scheme) { s.Timestamp = &Timestamp{From: "header:T"} }), Options{}, []string{good}, `scheme acme: timestamp: the signature doesn't cover it: put {timestamp} into the content`},
		{base(func(s *Scheme) {
			s.Content, s.Timestamp = "{json:a}", &Timestamp{From: "json:b"}
		}), Options{}, []string{good}, `scheme acme: timestamp: the signature doesn't cover it: put {timestamp} into the content`},
		{base(func(s *Scheme) {
			s.Signature.List, s.Timestamp = &List{Separator: ",", Assign: "=", Key: "t"}, &Timestamp{From: "list:t"}
		}), Options{}, []string{good}, `scheme acme: timestamp: is in the signature's list: give the signature a list with a separator and another key than the timestamp's`},
		{plain, Options{Tolerance: time.Minute}, []string{good}, `scheme acme: tolerance: the scheme signs no time: only a replay window bounds its deliveries`},

		{content("{url}{body}"), Options{}, []string{good}, `scheme acme: the signature covers the URL: set public_url to the one that senders know, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "hooks.example.com"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "https://hooks.example.com/?a=1"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "https://h/#a"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "https://h\x00"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "https://http://hooks.example.com"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "https://:9001"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},
		{content("{url}{body}"), Options{PublicURL: "ftp://hooks.example.com"}, []string{good}, `scheme acme: the signature covers the URL: public_url must have http or https, a host and neither query nor fragment, such as https://hooks.example.com`},

		{base(func(s *Scheme) { s.Alternative = &Scheme{Algorithm: HMACSHA512} }), Options{}, []string{good}, `scheme acme: alternative: must have the algorithm and key form of the scheme`},
		{base(func(s *Scheme) { s.Alternative = &Scheme{} }), Options{}, []string{good}, `scheme acme: alternative: signature: place "": write it as header:NAME or query:NAME or json:PATH`},
		{base(func(s *Scheme) {
			s.Alternative = &Scheme{Signature: Signature{From: "header:S2", Repeated: true}}
		}), Options{}, []string{good}, `scheme acme: alternative: must differ in the names of headers and parameters only`},
		{base(func(s *Scheme) {
			s.Content, s.Signature.From = "{json:a}", "json:s"
			s.Alternative = &Scheme{Content: "{json:a}", Signature: Signature{From: "json:s"}}
		}), Options{}, []string{good}, `scheme acme: alternative: must differ in the names of headers and parameters only`},
	} {
		var secrets []Secret
		for _, text := range test.secrets {
			secrets = append(secrets, NewSecret("label", text))
		}
		v, err := New(test.scheme, secrets, test.options)
		if v != nil || err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
		if errors.Is(err, ErrNotGenuine) {
			t.Errorf("%v is said of a delivery", err)
		}
		for _, text := range test.secrets {
			if text != "" && strings.Contains(fmt.Sprint(err), text) {
				t.Errorf("%v holds the secret", err)
			}
		}
	}
}

// TestSecretErrorsCanBeToldApart: callers that word their own errors branch on the sentinels.
func TestSecretErrorsCanBeToldApart(t *testing.T) {
	github, _ := Preset("github")
	standard, _ := Preset("standard")
	for _, test := range []struct {
		scheme Scheme
		text   string
		want   error
	}{
		{github, "", ErrSecretEmpty},
		{github, "short", ErrSecretShort},
		{standard, "whsec_%", ErrSecretForm},
	} {
		if _, err := New(test.scheme, []Secret{NewSecret("", test.text)}, Options{}); !errors.Is(err, test.want) {
			t.Errorf("%q: %v, want %v", test.text, err, test.want)
		}
	}
}
