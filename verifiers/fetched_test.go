package verifiers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fetchedVectors returns the vectors of the schemes whose keys are fetched.
func fetchedVectors(t testing.TB) (all []vector) {
	schemes := 0
	for _, scheme := range Presets() {
		if scheme.Fetches() {
			schemes++
			all = append(all, readVectors(t, scheme.Name)...)
		}
	}
	if schemes < 3 {
		t.Errorf("only %d schemes fetch keys", schemes)
	}
	return all
}

// under returns the verifier of the vector with another source of keys.
func (v *vector) under(t testing.TB, keys *KeySource) *Verifier {
	t.Helper()
	scheme, _ := Preset(v.preset)
	verifier, err := New(scheme, v.secrets(), Options{Now: clock(time.Unix(v.Now, 0)), AllowWeak: !v.RefuseWeak, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// TestWithoutTheKeyADeliveryIsNotChecked: it is neither genuine nor refused, so that the sender tries again;
// and what the error says is nobody's secret.
func TestWithoutTheKeyADeliveryIsNotChecked(t *testing.T) {
	for name, respond := range map[string]func(*http.Request) (*http.Response, error){
		"no vendor":      func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
		"no key":         func(*http.Request) (*http.Response, error) { return answer(""), nil },
		"something else": func(*http.Request) (*http.Response, error) { return answer("<html>"), nil },
		"an empty key":   func(*http.Request) (*http.Response, error) { return answer(`{"key":{}}`), nil },
	} {
		for _, v := range fetchedVectors(t) {
			if v.Valid == nil {
				continue
			}
			vendor := &vendor{answer: respond}
			verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Now: clock(certificatesTime)}))
			if n := vendor.asked.Load(); n != 0 {
				t.Fatalf("%s/%s: %d requests when the configuration loads", v.preset, v.Name, n)
			}
			d, err := verify(verifier, v.request(), v.body())
			if !errors.Is(err, ErrKeyUnavailable) || errors.Is(err, ErrNotGenuine) || ReasonOf(err) != "" || d != (Delivery{}) {
				t.Errorf("%s: %s/%s: %v, %v", name, v.preset, v.Name, d, err)
			}
			for _, secret := range v.Secrets {
				for _, part := range strings.Split(secret.Text, ":") {
					if len(part) > 12 && strings.Contains(err.Error(), part) {
						t.Errorf("%s/%s: the error holds the secret: %v", v.preset, v.Name, err)
					}
				}
			}
			if n := vendor.asked.Load(); n < 1 || n > int64(len(v.Secrets)) {
				t.Errorf("%s/%s: %d requests", v.preset, v.Name, n)
			}
		}
	}
}

// TestWhatCanBeRefusedIsRefusedBeforeAKeyIsAskedFor: a forger has to write everything else right to make the
// gateway ask a vendor.
func TestWhatCanBeRefusedIsRefusedBeforeAKeyIsAskedFor(t *testing.T) {
	refused := 0
	for _, v := range fetchedVectors(t) {
		if v.Valid != nil || v.Invalid == "signature_mismatch" && v.preset != "plaid" || v.Name == "another body, and its hash" {
			continue
		}
		refused++
		vendor := &vendor{answer: vendors(v.Keys).RoundTrip}
		verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Now: clock(certificatesTime)}))
		if _, err := verify(verifier, v.request(), v.body()); ReasonOf(err) != v.Invalid || vendor.asked.Load() != 0 {
			t.Errorf("%s/%s: %v after %d requests", v.preset, v.Name, err, vendor.asked.Load())
		}
	}
	if refused < 30 {
		t.Errorf("only %d vectors", refused)
	}
}

// TestKeysThatSomebodyVouchesForNeedNoVendor: every vector fares alike with its keys known.
func TestKeysThatSomebodyVouchesForNeedNoVendor(t *testing.T) {
	for _, v := range fetchedVectors(t) {
		vendor := &vendor{answer: vendors(v.Keys).RoundTrip}
		verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Known: v.Keys, Now: clock(time.Unix(0, 0))}))
		_, err := verify(verifier, v.request(), v.body())
		if (err == nil) != (v.Valid != nil) || ReasonOf(err) != v.Invalid || vendor.asked.Load() != 0 {
			t.Errorf("%s/%s: %v after %d requests", v.preset, v.Name, err, vendor.asked.Load())
		}
		for _, key := range v.Keys {
			if len(v.Keys) > 1 || v.Valid == nil {
				break
			}
			verifier = v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Known: map[string]string{AnyKey: key}}))
			if _, err := verify(verifier, v.request(), v.body()); err != nil || vendor.asked.Load() != 0 {
				t.Errorf("%s/%s: under any name: %v after %d requests", v.preset, v.Name, err, vendor.asked.Load())
			}
		}
	}
}

// TestManyDeliveriesAskOnce: the first of a key makes one request, for all of them and for those after.
func TestManyDeliveriesAskOnce(t *testing.T) {
	for _, v := range fetchedVectors(t) {
		if v.Valid == nil {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			vendor := &vendor{answer: func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return vendors(v.Keys).RoundTrip(r)
			}}
			verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Now: clock(certificatesTime)}))
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := verify(verifier, v.request(), v.body()); err != nil {
						t.Errorf("%s/%s: %v", v.preset, v.Name, err)
					}
				})
			}
			all.Wait()
			if n := vendor.asked.Load(); n != 1 {
				t.Errorf("%s/%s: %d requests", v.preset, v.Name, n)
			}
		})
	}
}

// TestASenderThatHangsUpWaitsForNoKey: the wait ends with the request's context.
func TestASenderThatHangsUpWaitsForNoKey(t *testing.T) {
	for _, v := range fetchedVectors(t) {
		if v.Valid == nil {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			vendor := &vendor{answer: func(r *http.Request) (*http.Response, error) {
				time.Sleep(3 * time.Second)
				return vendors(v.Keys).RoundTrip(r)
			}}
			verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor, Now: clock(certificatesTime)}))
			r := v.request()
			var cancel context.CancelFunc
			r.Context, cancel = context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			if _, err := verify(verifier, r, v.body()); !errors.Is(err, ErrKeyUnavailable) || time.Since(start) != time.Second {
				t.Errorf("%s/%s: %v after %s", v.preset, v.Name, err, time.Since(start))
			}
			time.Sleep(3 * time.Second)
		})
	}
}

// TestPlaidIsAskedWhereTheSecretSays: production's keys with production's credentials, whatever the delivery
// says, and the other client is asked when the first can't say.
func TestPlaidIsAskedWhereTheSecretSays(t *testing.T) {
	i := slices.IndexFunc(readVectors(t, "plaid"), func(v vector) bool { return v.Name == "of one of two clients" })
	v := readVectors(t, "plaid")[i]
	for _, test := range []struct {
		has   string // the host that has the key
		key   string // the label
		asked int64
	}{
		{"production.plaid.com", "main", 1},
		{"sandbox.plaid.com", "sandbox", 2},
		{"none", "", 2},
	} {
		vendor := &vendor{answer: func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme != "https" || r.URL.Path != "/webhook_verification_key/get" || r.URL.RawQuery != "" {
				t.Errorf("asked at %s", r.URL)
			}
			if r.URL.Host != test.has {
				return answer(""), nil
			}
			return vendors(v.Keys).RoundTrip(r)
		}}
		verifier := v.under(t, NewKeySource(KeySourceOptions{Transport: vendor}))
		d, err := verify(verifier, v.request(), v.body())
		if (err == nil) != (test.key != "") || d.Key != test.key || vendor.asked.Load() != test.asked || err != nil && !errors.Is(err, ErrKeyUnavailable) {
			t.Errorf("%s: %v, %v after %d requests", test.has, d, err, vendor.asked.Load())
		}
	}
}

// TestSecretsOfFetchingSchemesAreHeldToTheirForm: what isn't one can't be meant, and would accept more or nothing.
func TestSecretsOfFetchingSchemesAreHeldToTheirForm(t *testing.T) {
	for name, texts := range map[string]map[string]bool{
		"aws-sns": {
			"arn:aws:sns:us-east-1:123456789012:MyTopic": true, "arn:aws-cn:sns:cn-north-1:123456789012:a.fifo": true, "arn:aws-us-gov:sns:us-gov-west-1:123456789012:*": true,
			"*": false, "MyTopic": false, "arn:aws:sns:us-east-1:123456789012:": false, "arn:aws:sns:us-east-1:*:MyTopic": false, "arn:aws:sns:*:123456789012:*": false,
			"arn:aws:sns:us-east-1:123456789012:My*": false, "arn:aws:sqs:us-east-1:123456789012:q": false, "arn:aws:sns:us-east-1:123456789012:MyTopic\n": false, "arn:aws:sns:us-east-1:12345678901:a": false,
		},
		"paypal": {"1JE4291016473214C": true, "OTHER": true, "1JE|4291016473214C": false, "1JE4291016473214C\n": false, "https://example.com/": false},
		"plaid": {
			"id:secret": true, "sandbox:id:secret": true, "production.plaid.com:secret": true,
			"secret": false, ":secret": false, "id:": false, "sandbox:secret": false, "hunter2hunter2": false, "sandbox::secret": false,
		},
	} {
		scheme, _ := Preset(name)
		for text, good := range texts {
			_, err := New(scheme, []Secret{NewSecret("", text)}, Options{})
			if (err == nil) != good || err != nil && !errors.Is(err, ErrSecretForm) {
				t.Errorf("%s: %q: %v", name, text, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the error holds the secret: %v", name, err)
			}
		}
	}
}

// FuzzFetchedDeliveries: whatever stands in the header and the body, it is one of the deliveries that were signed, or
// it isn't genuine; nothing panics, and nobody is asked but the vendors.
func FuzzFetchedDeliveries(f *testing.F) {
	type sent struct {
		verifier *Verifier
		identity string
	}
	byPreset := make(map[string][]sent)
	hosts := map[string]bool{"api.paypal.com": true, "api-m.paypal.com": true, "api.sandbox.paypal.com": true, "api-m.sandbox.paypal.com": true, "production.plaid.com": true, "sandbox.plaid.com": true}
	for _, v := range fetchedVectors(f) {
		r := v.request()
		var names, values []string
		for name := range r.Header {
			names = append(names, name)
			values = append(values, r.Header.Get(name))
		}
		f.Add(v.preset, strings.Join(names, "\n"), strings.Join(values, "\n"), v.body())
		if v.Valid == nil {
			continue
		}
		var host string
		vendor := &vendor{answer: func(r *http.Request) (*http.Response, error) {
			host = r.URL.Hostname()
			if !hosts[host] && !(strings.HasPrefix(host, "sns.") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn"))) || r.URL.Port() != "" {
				panic("asked " + host)
			}
			return vendors(v.Keys).RoundTrip(r)
		}}
		verifier := v.under(f, NewKeySource(KeySourceOptions{Transport: vendor, Now: clock(certificatesTime)}))
		d, err := verify(verifier, r, v.body())
		if err != nil {
			f.Fatal(err)
		}
		byPreset[v.preset] = append(byPreset[v.preset], sent{verifier, identity(d)})
	}
	f.Fuzz(func(t *testing.T, preset, names, values string, body []byte) {
		r := Request{Method: http.MethodPost, Target: "/in", Header: make(http.Header)}
		all := strings.Split(values, "\n")
		for i, name := range strings.Split(names, "\n") {
			if i < len(all) {
				r.Header.Add(name, all[i])
			}
		}
		for _, s := range byPreset[preset] {
			d, err := verify(s.verifier, r, body)
			switch {
			case err != nil && !errors.Is(err, ErrNotGenuine) && !errors.Is(err, ErrKeyUnavailable):
				t.Errorf("%s: %v", preset, err)
			case err == nil && !slices.ContainsFunc(byPreset[preset], func(s sent) bool { return s.identity == identity(d) }):
				t.Errorf("%s: %v of %q is nobody's", preset, d, body)
			}
		}
	})
}
