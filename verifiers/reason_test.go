package verifiers

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
)

// TestEveryRefusalHasOneReason: the reasons are a closed list of short words for metrics, each the
// reason of exactly one error, wrapped or not, under ErrNotGenuine.
func TestEveryRefusalHasOneReason(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := make(map[string]bool)
	for i, reason := range Reasons() {
		if seen[reason] || !word.MatchString(reason) {
			t.Errorf("%q is taken or no word", reason)
		}
		seen[reason] = true
		err := fmt.Errorf("delivery 3: %w", error(refusals[i]))
		if ReasonOf(err) != reason || !errors.Is(err, ErrNotGenuine) || !errors.Is(err, refusals[i]) {
			t.Errorf("%s: %q, %v", reason, ReasonOf(err), err)
		}
		for j, other := range refusals {
			if i != j && errors.Is(err, other) {
				t.Errorf("%s is also %s", reason, other.reason)
			}
		}
	}
	for _, err := range []error{nil, errors.New("x"), ErrNotGenuine, ErrSecretEmpty} {
		if got := ReasonOf(err); got != "" {
			t.Errorf("%v has the reason %q", err, got)
		}
	}
	if errors.Is(ErrSecretEmpty, ErrNotGenuine) {
		t.Error("a wrong configuration is said to be a forged delivery")
	}
	Reasons()[0] = "changed"
	if Reasons()[0] == "changed" {
		t.Error("the list can be changed from outside")
	}
}
