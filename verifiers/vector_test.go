package verifiers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// vector is one delivery of testdata/vectors and what becomes of it. Everything in it was computed
// by another implementation than this one: the source says which.
type vector struct {
	Name       string      `json:"name"`
	Source     string      `json:"source"`
	Method     string      `json:"method"` // POST if left out
	Target     string      `json:"target"` // "/in" if left out
	PublicURL  string      `json:"public_url"`
	Content    string      `json:"content"` // in place of the scheme's
	Headers    [][2]string `json:"headers"`
	Body       string      `json:"body"`
	BodyBase64 []byte      `json:"body_base64"` // for a body that isn't text
	Secrets    []struct {
		Label string `json:"label"`
		Text  string `json:"text"`
	} `json:"secrets"`
	AllowShort bool              `json:"allow_short"`
	RefuseWeak bool              `json:"refuse_weak"`
	Keys       map[string]string `json:"keys"` // what can be fetched, by URL or key id
	Now        int64             `json:"now"`  // seconds since 1970

	// One of the two.
	Valid *struct {
		Event     string    `json:"event"`
		ID        string    `json:"id"`
		IDSigned  bool      `json:"id_signed"`
		Timestamp time.Time `json:"timestamp"`
		Key       string    `json:"key"`
	} `json:"valid"`
	Invalid string `json:"invalid"` // the reason

	preset string
}

// readVectors reads the vectors of a preset. It is strict: a field that it doesn't know, a vector
// without a source or with two outcomes is an error, not a vector that tests nothing.
func readVectors(t testing.TB, preset string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors", preset+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Preset  string   `json:"preset"`
		Vectors []vector `json:"vectors"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", preset, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("%s: something follows the vectors", preset)
	}
	if file.Preset != preset {
		t.Fatalf("%s: the vectors are those of %s", preset, file.Preset)
	}
	seen := make(map[string]bool)
	for i := range file.Vectors {
		v := &file.Vectors[i]
		v.preset = preset
		switch {
		case v.Name == "" || seen[v.Name]:
			t.Fatalf("%s: vector %d: the name %q is missing or taken", preset, i+1, v.Name)
		case v.Source == "":
			t.Fatalf("%s: %s: no source", preset, v.Name)
		case v.Body != "" && v.BodyBase64 != nil:
			t.Fatalf("%s: %s: two bodies", preset, v.Name)
		case (v.Valid == nil) == (v.Invalid == ""):
			t.Fatalf("%s: %s: must be one of valid and invalid", preset, v.Name)
		case v.Invalid != "" && !slices.Contains(Reasons(), v.Invalid):
			t.Fatalf("%s: %s: %q is no reason", preset, v.Name, v.Invalid)
		case v.Now == 0 || len(v.Secrets) == 0:
			t.Fatalf("%s: %s: no clock or no secret", preset, v.Name)
		}
		seen[v.Name] = true
	}
	return file.Vectors
}

// validVectors returns the valid vectors of all presets.
func validVectors(t testing.TB) []vector {
	var valid []vector
	for _, scheme := range Presets() {
		for _, v := range readVectors(t, scheme.Name) {
			if v.Valid != nil {
				valid = append(valid, v)
			}
		}
	}
	return valid
}

func (v *vector) body() []byte {
	if v.BodyBase64 != nil {
		return v.BodyBase64
	}
	return []byte(v.Body)
}

func (v *vector) request() Request {
	r := Request{Method: v.Method, Target: v.Target, Header: make(http.Header)}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.Target == "" {
		r.Target = "/in"
	}
	for _, field := range v.Headers {
		r.Header.Add(field[0], field[1])
	}
	return r
}

func (v *vector) secrets() []Secret {
	var secrets []Secret
	for _, s := range v.Secrets {
		secrets = append(secrets, NewSecret(s.Label, s.Text))
	}
	return secrets
}

// verifier returns the verifier of the vector with its clock moved by a while.
func (v *vector) verifier(t testing.TB, later time.Duration) *Verifier {
	t.Helper()
	scheme, ok := Preset(v.preset)
	if !ok {
		t.Fatalf("%s is no preset", v.preset)
	}
	scheme.Content = orDefault(v.Content, scheme.Content)
	verifier, err := New(scheme, v.secrets(), Options{
		Now: clock(time.Unix(v.Now, 0).Add(later)), AllowShort: v.AllowShort, AllowWeak: !v.RefuseWeak, PublicURL: v.PublicURL,
		Keys: v.keySource(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// clock returns a clock that stands still.
func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

// verify takes a delivery through both steps.
func verify(v *Verifier, r Request, body []byte) (Delivery, error) {
	check, err := v.Check(r)
	if err != nil {
		return Delivery{}, err
	}
	defer check.Close()
	return check.Verify(body)
}

// identity returns what copies of the delivery share.
func identity(d Delivery) string { return string(d.AppendIdentity(nil)) }

// TestVectors: every delivery of the vectors is verified as the vector says, or refused for the
// reason that it gives.
func TestVectors(t *testing.T) {
	for _, scheme := range Presets() {
		good, bad := 0, 0
		for _, v := range readVectors(t, scheme.Name) {
			if v.Valid != nil {
				good++
			} else {
				bad++
			}
			t.Run(scheme.Name+"/"+v.Name, func(t *testing.T) {
				d, err := verify(v.verifier(t, 0), v.request(), v.body())
				if v.Valid == nil {
					if ReasonOf(err) != v.Invalid || !errors.Is(err, ErrNotGenuine) {
						t.Fatalf("refused with %v (%s), want %s", err, ReasonOf(err), v.Invalid)
					}
					if d != (Delivery{}) {
						t.Errorf("a refused delivery has contents: %v", d)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want := Delivery{
					Provider: scheme.Name, Event: v.Valid.Event, ID: v.Valid.ID, IDSigned: v.Valid.IDSigned, Key: v.Valid.Key,
					Timestamp: d.Timestamp, sum: d.sum, sumSize: d.sumSize, sumTag: d.sumTag,
				}
				if d != want || !d.Timestamp.Equal(v.Valid.Timestamp) {
					t.Errorf("got  %v\nwant %+v", d, *v.Valid)
				}
			})
		}
		if good < 2 || bad < 5 {
			t.Errorf("%s: %d good and %d bad vectors; 2 and 5 is the least", scheme.Name, good, bad)
		}
	}
}

// TestEveryVectorFileHasItsPreset: no file of vectors lies there unread.
func TestEveryVectorFileHasItsPreset(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(Presets()) {
		t.Errorf("%d files and %d presets", len(files), len(Presets()))
	}
	for _, file := range files {
		if _, ok := Preset(filepath.Base(file[:len(file)-len(filepath.Ext(file))])); !ok || filepath.Ext(file) != ".json" {
			t.Errorf("%s is no preset's", file)
		}
	}
}

// TestEveryReasonHasAVector: no reason of the closed list goes unproved.
func TestEveryReasonHasAVector(t *testing.T) {
	seen := make(map[string]bool)
	for _, scheme := range Presets() {
		for _, v := range readVectors(t, scheme.Name) {
			seen[v.Invalid] = true
		}
	}
	for _, name := range Challenges() {
		for _, v := range readChallenges(t, name) {
			seen[v.Refused] = true
		}
	}
	for _, reason := range Reasons() {
		if !seen[reason] {
			t.Errorf("no vector is refused for %s", reason)
		}
	}
}
