package verifiers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestUncoveredIsWhatCanBeChanged: what a scheme is said to cover and what not, for one of each kind.
func TestUncoveredIsWhatCanBeChanged(t *testing.T) {
	for name, want := range map[string][]string{
		"stripe":       nil,
		"twitch":       {"event"},
		"github":       {"time", "id", "event"},
		"square":       {"time"},
		"linear":       {"id", "event"},
		"mailgun":      {"body", "event"},
		"gitee":        {"body", "event"},
		"gitlab-token": {"body", "time", "id", "event"},
		"ms-graph":     {"body", "time", "event"},
		"docusign":     {"time"},
	} {
		scheme, ok := Preset(name)
		if got := scheme.Uncovered(); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if scheme.CoversBody() == slices.Contains(want, "body") {
			t.Errorf("%s: covers the body is %t", name, scheme.CoversBody())
		}
	}
	if broken := (Scheme{Algorithm: "none"}); broken.CoversBody() || broken.Uncovered() != nil {
		t.Error("a scheme that New refuses covers something")
	}
}

// TestTheBodyIsCoveredExactlyWhereAChangeOfItIsRefused: the word agrees with what a verifier does.
func TestTheBodyIsCoveredExactlyWhereAChangeOfItIsRefused(t *testing.T) {
	for _, scheme := range signable() {
		body := []byte(`{"a":1}`)
		r := send(t, scheme, Message{ID: "msg_1", Body: body}, 0)
		v, err := New(scheme, secretsOf(scheme), optionsOf(scheme, Options{Now: clock(referenceNow)}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(v, r, []byte(`{"a":2}`)); (err == nil) == scheme.CoversBody() {
			t.Errorf("%s: covers the body is %t, and another one: %v", scheme.Name, scheme.CoversBody(), err)
		}
	}
}

// TestWhatIsWeakNeedsAWord: every scheme on SHA-1 is refused unless the options say otherwise.
func TestWhatIsWeakNeedsAWord(t *testing.T) {
	weak := 0
	for _, scheme := range Presets() {
		_, err := New(scheme, secretsOf(scheme), Options{PublicURL: "https://hooks.example.com"})
		if (err != nil) != scheme.Weak() {
			t.Errorf("%s: weak is %t: %v", scheme.Name, scheme.Weak(), err)
		}
		if scheme.Weak() {
			weak++
		}
	}
	if weak < 4 {
		t.Errorf("only %d presets are weak", weak)
	}
}

// TestNamesOfReceiversAreNoKeys: what may stand in the configuration can't be what anything is signed or asked for with.
func TestNamesOfReceiversAreNoKeys(t *testing.T) {
	var names []string
	for _, scheme := range Presets() {
		if !scheme.NamesReceiver() {
			continue
		}
		names = append(names, scheme.Name)
		if !scheme.Fetches() || algorithms[scheme.Algorithm].kind != publicKind || scheme.Key != Opaque {
			t.Errorf("%s: its deliveries are not checked by keys of the vendor's alone", scheme.Name)
		}
		sent := &vendor{answer: func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet || strings.Contains(r.URL.String(), scheme.SampleSecret()) {
				t.Errorf("%s: the name is shown to the vendor at %s", scheme.Name, r.URL)
			}
			return answer(""), nil
		}}
		for _, v := range readVectors(t, scheme.Name) {
			_, _ = verify(v.under(t, NewKeySource(KeySourceOptions{Transport: sent})), v.request(), v.body())
		}
		if sent.asked.Load() == 0 {
			t.Errorf("%s: nobody was asked", scheme.Name)
		}
	}
	if !slices.Equal(names, []string{"aws-sns", "paypal"}) {
		t.Errorf("they are those of %q", names)
	}
}
