package caddymodule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookseal/hookseal/verifiers"
)

// Two secrets, of which the old one ends a week after the new one begins: the route takes both in that week,
// and never one outside its own time.
func TestARouteTakesASecretInItsTimeOnly(t *testing.T) {
	t.Setenv("OLD_SECRET", "old-"+longSecret)
	t.Setenv("NEW_SECRET", "new-"+longSecret)
	begin := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	end := begin.Add(7 * 24 * time.Hour)
	v := provision[*Verify](t, `{"handler":"webhook_verify","provider":"github","secrets":[
		{"value":"{env.OLD_SECRET}","label":"old","not_after":"`+end.Format(time.RFC3339)+`"},
		{"value":"{env.NEW_SECRET}","label":"new","not_before":"`+begin.Format(time.RFC3339)+`"}]}`)
	for _, test := range []struct {
		at       time.Time
		old, new bool
	}{
		{begin.Add(-time.Second), true, false},
		{begin, true, true},
		{end.Add(-time.Second), true, true},
		{end, false, true},
		{end.Add(1e6 * time.Hour), false, true},
	} {
		v.now = func() time.Time { return test.at }
		for label, want := range map[string]bool{"old": test.old, "new": test.new} {
			d, err := verifySigned(v, "github", label+"-"+longSecret)
			if want && (err != nil || d.Key != label) || !want && !errors.Is(err, verifiers.ErrSignatureMismatch) {
				t.Errorf("%s: %s: %v, %v", test.at, label, d, err)
			}
		}
	}
}

// What webhook_sign signs with is what is in its time, and without that it signs nothing.
func TestASignerUsesASecretInItsTimeOnly(t *testing.T) {
	t.Setenv("OLD_SECRET", longSecret)
	t.Setenv("NEW_SECRET", "bmV3LXNlY3JldC0wMTIzNDU2Nzg5")
	begin := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	end := begin.Add(time.Hour)
	s := provision[*Sign](t, `{"handler":"webhook_sign","scheme":"standard","secrets":[
		{"value":"{env.OLD_SECRET}","not_after":"`+end.Format(time.RFC3339)+`"},
		{"value":"{env.NEW_SECRET}","not_before":"`+begin.Format(time.RFC3339)+`","not_after":"`+end.Format(time.RFC3339)+`"}]}`)
	for after, signatures := range map[time.Duration]int{-time.Second: 1, 0: 2, time.Hour - 1: 2, time.Hour: 0} {
		s.now = func() time.Time { return begin.Add(after) }
		header, err := s.keys.current.Load().Sign(verifiers.Message{ID: "msg_1"})
		if got := len(strings.Fields(header.Get("Webhook-Signature"))); got != signatures || (err != nil) != (signatures == 0) {
			t.Errorf("%v after the new one begins: %d signatures, %v", after, got, err)
		}
	}
}

// A secret whose time is none is a mistake; one whose time is over or still to come is not.
func TestASecretThatIsNeverUsedIsAnError(t *testing.T) {
	t.Setenv("LONG_SECRET", longSecret)
	const ended = `{"value":"{env.LONG_SECRET}","not_after":"2020-01-01T00:00:00Z"}`
	const never = `{"value":"{env.LONG_SECRET}","not_before":"2020-01-01T00:00:00Z","not_after":"2020-01-01T00:00:00Z"}`
	const later = `{"value":"{env.LONG_SECRET}","not_before":"2999-01-01T00:00:00Z"}`
	for _, handler := range []string{`"webhook_verify","provider":"github"`, `"webhook_sign","scheme":"standard"`} {
		for secrets, problem := range map[string]string{
			ended:               "", // the other routes must start again
			never:               "secret 1: secret is never used: not_after must lie behind not_before",
			later + `,` + never: "secret 2: secret is never used",
			later:               "",
			ended + `,` + later: "",
		} {
			err := validate(t, site(`{}`, `{"handler":`+handler+`,"secrets":[`+secrets+`]}`))
			if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), ": "+problem)) {
				t.Errorf("%s: %s: got error %v, want %q", handler, secrets, err, problem)
			}
		}
	}
}

// A time without a secret is told when the configuration loads, before anything is refused in it.
func TestATimeWithoutASecretIsTold(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	hour := func(n time.Duration) time.Time { return noon.Add(n * time.Hour) }
	during := func(from, until time.Time) SecretSource { return SecretSource{NotBefore: from, NotAfter: until} }
	var open time.Time
	for name, test := range map[string]struct {
		secrets     []SecretSource
		from, until time.Time
	}{
		"none":                {[]SecretSource{during(open, open)}, open, open},
		"in its time":         {[]SecretSource{during(hour(0), open)}, open, open},
		"overlapping":         {[]SecretSource{during(open, hour(2)), during(hour(1), open)}, open, open},
		"one after the other": {[]SecretSource{during(hour(1), open), during(open, hour(1))}, open, open},
		"to come":             {[]SecretSource{during(hour(2), open), during(hour(1), open)}, hour(0), hour(1)},
		"a gap":               {[]SecretSource{during(hour(2), hour(3)), during(open, hour(1))}, hour(1), hour(2)},
		"a gap bridged":       {[]SecretSource{during(hour(2), hour(3)), during(open, hour(1)), during(open, open)}, open, open},
		"a gap that is over":  {[]SecretSource{during(open, hour(-2)), during(hour(-1), open)}, open, open},
		"over for good":       {[]SecretSource{during(open, hour(-1)), during(open, hour(-2))}, hour(0), open},
		"over for good later": {[]SecretSource{during(open, hour(1)), during(open, hour(2))}, hour(2), open},
	} {
		if from, until := pause(test.secrets, noon); !from.Equal(test.from) || !until.Equal(test.until) {
			t.Errorf("%s: from %v until %v", name, from, until)
		}
	}
	core, logs := observer.New(zapcore.DebugLevel)
	warnOfPause(zap.New(core), []SecretSource{during(hour(1), open)}, noon, "every delivery is refused then", zap.String("route", "github"))
	warnOfPause(zap.New(core), []SecretSource{during(open, hour(1))}, noon, "every delivery is refused then", zap.String("route", "github"))
	warnOfPause(zap.New(core), []SecretSource{during(open, open)}, noon, "every delivery is refused then", zap.String("route", "github"))
	if all := logs.All(); len(all) != 2 || all[0].Message != "no secret is in use for a time: every delivery is refused then" || all[0].ContextMap()["until"] != "2026-01-01T13:00:00Z" ||
		all[1].Message != "no secret is in use for good: every delivery is refused then" || all[1].ContextMap()["from"] != "2026-01-01T13:00:00Z" {
		t.Errorf("logged %v", all)
	}
}

// Where nobody looks at the time of a secret, it may have none.
func TestTokensAndEndpointsHaveNoTimes(t *testing.T) {
	t.Setenv("STANDARD_SECRET", "whsec_"+longSecret)
	const timed = `{"value":"{env.STANDARD_SECRET}","not_after":"2999-01-01T00:00:00Z"}`
	for name, config := range map[string][]byte{
		"token":    site(`{}`, `{"handler":"webhook_publish","tokens":[`+timed+`]}`),
		"endpoint": site(`{"outbound":{"endpoints":[{"url":"https://a.example.com","secrets":[`+timed+`]}]}}`, `{"handler":"static_response"}`),
	} {
		if err := validate(t, config); err == nil || !strings.Contains(err.Error(), "only secrets of webhook_verify and webhook_sign have them") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
