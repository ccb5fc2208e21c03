package verifiers

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
)

// TestDingTalkIsAnsweredUnderTheTokenOfTheDelivery: each delivery, whatever it says and whatever the app
// answers besides; and nothing is said of one that has not verified, or without a key.
func TestDingTalkIsAnsweredUnderTheTokenOfTheDelivery(t *testing.T) {
	all := readChallenges(t, "dingtalk")
	urls := slices.DeleteFunc(slices.Clone(all), func(v challengeVector) bool { return v.Answer == nil })
	for _, v := range all {
		verifier := v.verifier(t)
		if verifier.Handshake().Acknowledgement(nil) != nil {
			t.Errorf("%s: says something to whoever it is", v.Name)
		}
		check, err := verifier.Check(v.request())
		if err != nil {
			t.Fatal(err)
		}
		if verifier.Handshake().Acknowledgement(check) != nil {
			t.Errorf("%s: says something before it has verified", v.Name)
		}
		if _, err := check.Verify([]byte(v.Body)); err != nil {
			t.Fatal(err)
		}
		ack := verifier.Handshake().Acknowledgement(check)
		check.Close()
		if v.EncryptKey == "" {
			if ack != nil {
				t.Errorf("%s: says something without a key", v.Name)
			}
			continue
		}
		want := urls[0].Answer.Body
		if len(v.Secrets) > 1 {
			want = urls[1].Answer.Body
		}
		for _, accepted := range []int{http.StatusOK, http.StatusNoContent} {
			if answer := ack.Answer(accepted); answer.Status != http.StatusOK || string(answer.Body) != want || answer.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: accepted with %d: %d %s, want %s", v.Name, accepted, answer.Status, answer.Body, want)
			}
		}
	}
}

// TestWhatIsSaidToDingTalkIsNeverTheSame: the key encrypts with one vector only, so that what is random has to be.
func TestWhatIsSaidToDingTalkIsNeverTheSame(t *testing.T) {
	v := readChallenges(t, "dingtalk")[0]
	seen := make(map[string]bool)
	for range 16 {
		verifier := v.verifier(t)
		verifier.handshake.random = fillRandom
		check, err := verifier.Check(v.request())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.Verify([]byte(v.Body)); err != nil {
			t.Fatal(err)
		}
		answer, err := verifier.Handshake().Verified(check, []byte(v.Body))
		if err != nil {
			t.Fatal(err)
		}
		check.Close()
		var said struct{ Nonce, Encrypt string }
		if err := json.Unmarshal(answer.Body, &said); err != nil {
			t.Fatal(err)
		}
		if seen[said.Nonce] || seen[said.Encrypt] {
			t.Errorf("said once more: %s", answer.Body)
		}
		seen[said.Nonce], seen[said.Encrypt] = true, true
		if message, receiver := wecomDecrypt(verifier.handshake.key, said.Encrypt); string(message) != dingTalkSuccess || receiver != v.ReceiverID {
			t.Errorf("said %q to %q", message, receiver)
		}
	}
}
