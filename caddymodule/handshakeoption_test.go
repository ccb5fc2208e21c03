package caddymodule

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookseal/hookseal/verifiers"
)

// TestAChallengeIsNoDelivery: what a provider tries a URL by is told from what it delivers.
func TestAChallengeIsNoDelivery(t *testing.T) {
	files, err := filepath.Glob("../verifiers/testdata/challenges/*.json")
	if err != nil {
		t.Fatal(err)
	}
	challenges := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Preset  string
			Vectors []struct {
				Name, Method, Target, Body, Stage string
				Headers                           [][2]string
				NoChallenge                       bool `json:"no_challenge"`
				Secrets                           []string
				VerifyToken                       string `json:"verify_token"`
				Answer                            json.RawMessage
			}
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		scheme, ok := verifiers.Preset(file.Preset)
		for _, v := range file.Vectors {
			if !ok || v.Stage != "head" && v.Stage != "body" || v.Answer == nil && !v.NoChallenge {
				continue
			}
			request := verifiers.Request{Method: orElse(v.Method, "POST"), Target: orElse(v.Target, "/in"), Header: make(http.Header)}
			for _, field := range v.Headers {
				request.Header.Add(field[0], field[1])
			}
			if v.NoChallenge && v.VerifyToken == "" && len(handshakeOptionsOf(scheme)) > 0 {
				continue // it would be one, with the option
			}
			secrets := []verifiers.Secret{verifiers.NewSecret("", scheme.SampleSecret())}
			if len(v.Secrets) > 0 {
				secrets = nil
			}
			for _, text := range v.Secrets {
				secrets = append(secrets, verifiers.NewSecret("", text))
			}
			if got := isChallenge(scheme, secrets, request, []byte(v.Body)); got == v.NoChallenge {
				t.Errorf("%s, %s: is a challenge: %t", file.Preset, v.Name, got)
			}
			if !v.NoChallenge {
				challenges++
			}
		}
	}
	if challenges < 20 {
		t.Errorf("only %d challenges", challenges)
	}
	for _, scheme := range verifiers.Presets() {
		for _, v := range capturedVectors(t, scheme.Name) {
			request := verifiers.Request{Method: orElse(v.Method, "POST"), Target: orElse(v.Target, "/in"), Header: make(http.Header)}
			for _, field := range v.Headers {
				request.Header.Add(field[0], field[1])
			}
			secrets := []verifiers.Secret{verifiers.NewSecret("", scheme.SampleSecret())}
			if v.Valid != nil && v.Method != "GET" && isChallenge(scheme, secrets, request, []byte(v.Body)) {
				t.Errorf("%s, %s: a delivery is taken for a challenge", scheme.Name, v.Name)
			}
		}
	}
}

func TestTheDoctorKnowsAChallenge(t *testing.T) {
	t.Setenv("DOCTOR_SECRET", "an-app-secret-of-some-length")
	out, err := runCommand("GET /in?hub.mode=subscribe&hub.challenge=115&hub.verify_token=hush HTTP/1.1\nHost: hooks.example.com\n\n", "verify", "--provider", "meta", "--secret-env", "DOCTOR_SECRET")
	if err == nil || !strings.Contains(out, "this is no delivery: Meta") || strings.Contains(out, "hush") {
		t.Errorf("got error %v and:\n%s", err, out)
	}
}
