package verifiers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// secretsOf returns two secrets of a scheme, as while one is rolled. Both can sign. Of a scheme whose
// secrets may be any text they are the identitySecrets.
func secretsOf(scheme Scheme) []Secret {
	algorithm := orDefault(scheme.Algorithm, HMACSHA256)
	if sample := scheme.SampleSecret(); scheme.Fetches() {
		return []Secret{NewSecret("new", sample), NewSecret("old", sample+"2")}
	}
	if scheme.Key == Opaque {
		return []Secret{NewSecret("new", "hmac-sha256:MDEyMzQ1Njc4OWFiY2RlZg=="), NewSecret("old", "hmac-sha256:ZmVkY2JhOTg3NjU0MzIxMA==")}
	}
	if algorithms[algorithm].kind != publicKind {
		if orDefault(scheme.Key, UTF8) == HexKey {
			return []Secret{NewSecret("new", strings.Repeat("0123456789abcdef", 4)), NewSecret("old", strings.Repeat("fedcba9876543210", 4))}
		}
		return identitySecrets
	}
	var secrets []Secret
	for _, label := range []string{"new", "old"} {
		secrets = append(secrets, NewSecret(label, privateText(algorithm, orDefault(scheme.Key, UTF8), label)))
	}
	return secrets
}

// privateKeys are the keys of privateText: to make one takes long.
var privateKeys sync.Map

// privateText returns a private key of an algorithm, written in a key form, and the same for the same name.
func privateText(algorithm Algorithm, form KeyForm, name string) string {
	if strings.HasPrefix(string(algorithm), "rsa-") {
		algorithm = RSASHA256 // one key does for all of them
	}
	key, known := privateKeys.Load(string(algorithm) + name)
	if !known {
		var err error
		switch algorithm {
		case Ed25519:
			key = ed25519.NewKeyFromSeed([]byte(strings.Repeat(name, ed25519.SeedSize)[:ed25519.SeedSize]))
		case ECDSAP256:
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		default:
			key, err = rsa.GenerateKey(rand.Reader, minRSABits)
		}
		if err != nil {
			panic(err)
		}
		privateKeys.Store(string(algorithm)+name, key)
	}
	switch form {
	case HexKey:
		return hex.EncodeToString(key.(ed25519.PrivateKey))
	case Base64Key:
		return base64.StdEncoding.EncodeToString(key.(ed25519.PrivateKey))
	case Whpk:
		return privatePrefix + base64.StdEncoding.EncodeToString(key.(ed25519.PrivateKey))
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	if form == SPKI {
		return base64.StdEncoding.EncodeToString(der)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// signable returns the presets whose deliveries Sign can make.
func signable() (all []Scheme) {
	for _, scheme := range Presets() {
		if isSignable(scheme) && scheme.code == nil {
			all = append(all, scheme)
		}
	}
	return all
}

// isSignable reports whether Sign can make deliveries of a scheme.
func isSignable(scheme Scheme) bool {
	r, err := compile(scheme)
	return err == nil && (r.signature.kind == inHeader || r.signature.kind == inNumbered) &&
		!strings.Contains(scheme.Content, "{query:") && // Sign doesn't set the target
		(!r.hasTime || r.time.kind == inHeader || r.time.kind == inList)
}

// unknownSecret returns a secret of a scheme that nobody knows.
func unknownSecret(scheme Scheme) Secret {
	if scheme.Fetches() {
		return secretsOf(scheme)[1] // there is no vendor that has a key
	}
	algorithm := orDefault(scheme.Algorithm, HMACSHA256)
	if algorithms[algorithm].kind == publicKind {
		return NewSecret("", privateText(algorithm, scheme.Key, rand.Text()))
	}
	key := make([]byte, 32)
	rand.Read(key)
	if scheme.Key == Opaque {
		return NewSecret("", "hmac-sha256:"+base64.StdEncoding.EncodeToString(key))
	}
	// Well formed in every key form, and of the same 64 characters in each.
	return NewSecret("", hex.EncodeToString(key))
}

// covering returns those of signable whose signature covers the body.
func covering() (all []Scheme) {
	for _, scheme := range signable() {
		if scheme.CoversBody() {
			all = append(all, scheme)
		}
	}
	return all
}

// firstPresets are the schemes that many tests were written for: their ids and events stand where those of
// identityBodies do.
func firstPresets() (all []Scheme) {
	for _, name := range []string{"generic", "github", "gstable", "slack", "standard", "stripe"} {
		scheme, ok := Preset(name)
		if !ok {
			panic(name)
		}
		all = append(all, scheme)
	}
	return all
}

// nonces are the header fields that presets sign besides those that Sign sets.
var nonces = func() http.Header {
	all := make(http.Header)
	for _, scheme := range Presets() {
		r, err := compile(scheme)
		if err != nil {
			panic(err)
		}
		for _, p := range r.content.signedHeaders() {
			if !slices.ContainsFunc(r.ids, func(id name) bool { return id.key() == p.key() }) {
				all[p.name] = []string{"nonce"}
			}
		}
	}
	return all
}()

// optionsOf returns the options that a scheme needs besides those given.
func optionsOf(scheme Scheme, options Options) Options {
	options.AllowWeak = true
	options.PublicURL = "https://hooks.example.com"
	options.Keys = NewKeySource(KeySourceOptions{Transport: vendors{}}) // no test may use the network
	return options
}
