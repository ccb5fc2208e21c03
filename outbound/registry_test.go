package outbound_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/hookseal/hookseal/outbound"
	"github.com/hookseal/hookseal/outbound/journaltest"
)

// configured is an endpoint of the configuration.
func configured(uid, url string) ConfiguredEndpoint {
	return ConfiguredEndpoint{Endpoint: Endpoint{UID: uid, URL: url}, Secrets: []string{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}}
}

func TestTheConfigurationsEndpointsAreTheSameAfterARestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Endpoints = []ConfiguredEndpoint{configured("billing", "https://billing/"), configured("audit", "https://audit/")}
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		r.answers(refuse)
		m := r.publish(DefaultApplication, "e", "{}")
		before, err := r.Endpoint(DefaultApplication, "billing")
		if err != nil || !before.Managed {
			r.Fatalf("%+v, %v", before, err)
		}
		r.restart()
		after, err := r.Endpoint(DefaultApplication, "billing")
		if err != nil || after.ID != before.ID {
			r.Errorf("%+v, %v", after, err)
		}
		r.answers(accept)
		time.Sleep(time.Minute)
		r.wants(DefaultApplication, m, after, Succeeded, 2)

		r.settings.Endpoints = r.settings.Endpoints[1:]
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		for range 2 {
			if _, err := r.Endpoint(DefaultApplication, "billing"); err != ErrNotFound {
				r.Errorf("one that was taken out: %v", err)
			}
			r.publish(DefaultApplication, "e", "{}")
			synctest.Wait()
			if n := len(r.sentTo("https://billing/")); n != 2 {
				r.Errorf("%d attempts", n)
			}
			r.restart()
		}
	})
}

func TestOfTheConfigurationsEndpointsOnlyDisabledCanBeChanged(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Endpoints = []ConfiguredEndpoint{configured("x", "https://x/")}
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		change := func(change func(*Endpoint)) error {
			_, err := r.ChangeEndpoint(r.Context(), DefaultApplication, "x", change)
			return err
		}
		if err := change(func(e *Endpoint) { e.URL = "https://y/" }); err != ErrManaged {
			r.Errorf("another URL: %v", err)
		}
		if err := r.DeleteEndpoint(r.Context(), DefaultApplication, "x"); err != ErrManaged {
			r.Errorf("deleting: %v", err)
		}
		if err := r.RotateSecret(r.Context(), DefaultApplication, "x", "", 0); err != ErrManaged {
			r.Errorf("another secret: %v", err)
		}
		if _, err := r.EndpointSecret(DefaultApplication, "x"); err != ErrManaged {
			r.Errorf("the secret: %v", err)
		}
		if err := r.DeleteApplication(r.Context(), DefaultApplication); err != ErrManaged {
			r.Errorf("deleting the application: %v", err)
		}
		if err := change(func(e *Endpoint) { e.Disabled = true }); err != nil {
			r.Error(err)
		}
		for range 2 {
			if e, err := r.Endpoint(DefaultApplication, "x"); err != nil || !e.Disabled {
				r.Errorf("%+v, %v", e, err)
			}
			r.restart()
		}
	})
}

func TestWhatIsWrongWithTheConfigurationIsSaidAndChangesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		good := r.settings
		good.Endpoints = []ConfiguredEndpoint{configured("x", "https://x/")}
		if err := r.Configure(good); err != nil {
			r.Fatal(err)
		}
		for name, bad := range map[string]ConfiguredEndpoint{
			"no uid":     configured("", "https://y/"),
			"no secret":  {Endpoint: Endpoint{UID: "y", URL: "https://y/"}},
			"http":       configured("y", "http://y/"),
			"twice":      configured("x", "https://y/"),
			"bad scheme": {Endpoint: Endpoint{UID: "y", URL: "https://y/", Scheme: "none"}, Secrets: []string{"0123456789abcdef"}},
		} {
			settings := good
			settings.Endpoints = append(settings.Endpoints[:1:1], bad)
			if err := r.Configure(settings); err == nil {
				r.Errorf("%s is accepted", name)
			}
		}
		if page, _, err := r.Endpoints(DefaultApplication, Page{Limit: 9}); err != nil || len(page) != 1 {
			r.Errorf("%v, %v", page, err)
		}
	})
}

func TestTheRegistryIsTheSameAfterARestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, err := r.CreateApplication(r.Context(), Application{Name: "n", UID: "u", Metadata: map[string]string{"k": "v"}})
		if err != nil {
			r.Fatal(err)
		}
		e, err := r.CreateEndpoint(r.Context(), "u", Endpoint{URL: "https://x/", UID: "e", Headers: map[string]string{"X-A": "b"}, Events: []string{"a.*"}}, "")
		if err != nil {
			r.Fatal(err)
		}
		secret, _ := r.EndpointSecret("u", "e")
		if _, err := r.CreateEventType(r.Context(), EventType{Name: "a.b", Description: "d"}); err != nil {
			r.Fatal(err)
		}
		if _, err := r.ChangeApplication(r.Context(), "u", func(a *Application) { a.Name, a.ID = "m", "app_forged" }); err != nil {
			r.Fatal(err)
		}
		r.restart()
		if got, err := r.Application("u"); err != nil || got.ID != a.ID || got.Name != "m" || got.Metadata["k"] != "v" {
			r.Errorf("%+v, %v", got, err)
		}
		if got, err := r.Endpoint("u", e.ID); err != nil || got.Headers["X-A"] != "b" || !got.CreatedAt.Equal(e.CreatedAt) {
			r.Errorf("%+v, %v", got, err)
		}
		if got, err := r.EndpointSecret(a.ID, "e"); err != nil || got != secret || secret == "" {
			r.Errorf("another secret, or %v", err)
		}
		if got, err := r.EventType("a.b"); err != nil || got.Description != "d" {
			r.Errorf("%+v, %v", got, err)
		}
		if _, err := r.CreateApplication(r.Context(), Application{Name: "n", UID: "u"}); err != ErrExists {
			r.Errorf("the same uid again: %v", err)
		}
		if _, err := r.CreateEndpoint(r.Context(), "u", Endpoint{URL: "https://y/", UID: "e"}, ""); err != ErrExists {
			r.Errorf("the same uid of an endpoint again: %v", err)
		}
		if _, err := r.CreateEventType(r.Context(), EventType{Name: "a.b"}); err != ErrExists {
			r.Errorf("the same event type again: %v", err)
		}
	})
}

func TestWhoHangsUpInTheMiddleOfAChangeHarmsNobody(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.journal.SetDelay(time.Second)
		ctx, cancel := context.WithTimeout(r.Context(), time.Millisecond)
		defer cancel()
		if _, err := r.CreateApplication(ctx, Application{Name: "n", UID: "u"}); err != nil {
			r.Error(err)
		}
		if _, err := r.Publish(ctx, "u", Message{EventType: "e", Payload: []byte("{}")}); err == nil {
			r.Error("it is accepted before it is on disk")
		}
		time.Sleep(time.Minute)
		if _, err := r.Application("u"); err != nil {
			r.Error(err)
		}
		if s := r.Stats(); s.Messages != 1 || len(r.problems) != 0 {
			r.Errorf("keeps %d messages, problems %v", s.Messages, r.problems)
		}
	})
}

// A configuration that is refused is in force for a moment, without what it leaves out.
func TestAnEndpointThatComesBackGetsWhatWaitsForIt(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		inBubble(t, func(r *rig) {
			r.settings.Endpoints = []ConfiguredEndpoint{configured("x", "https://x/")}
			configure := func(s Settings) {
				if err := r.Configure(s); err != nil {
					r.Fatal(err)
				}
			}
			configure(r.settings)
			r.answers(refuse)
			m := r.publish(DefaultApplication, "e", "{}")
			synctest.Wait()
			all := r.settings
			r.settings.Endpoints = nil
			configure(r.settings)
			if restarts {
				r.restart()
			}
			time.Sleep(time.Minute)
			if n := len(r.sentTo("https://x/")); n != 1 {
				r.Errorf("%d attempts while it is gone", n)
			}
			r.answers(accept) // before the dispatcher can know of it
			configure(all)
			r.settings = all
			time.Sleep(time.Minute)
			e, err := r.Endpoint(DefaultApplication, "x")
			if err != nil {
				r.Fatal(err)
			}
			r.wants(DefaultApplication, m, e, Succeeded, 2)
		})
	}
}

func TestAnEndpointOfTheSameUIDKeepsTheConfigurationsOneOutAndNobodyElse(t *testing.T) {
	inBubble(t, func(r *rig) {
		if _, err := r.CreateApplication(r.Context(), Application{Name: "d", UID: DefaultApplication}); err != nil {
			r.Fatal(err)
		}
		mine, err := r.CreateEndpoint(r.Context(), DefaultApplication, Endpoint{URL: "https://mine/", UID: "crm"}, "")
		if err != nil {
			r.Fatal(err)
		}
		r.settings.Endpoints = []ConfiguredEndpoint{configured("crm", "https://theirs/"), configured("x", "https://x/")}
		if err := r.Configure(r.settings); err == nil {
			r.Error("is accepted")
		}
		r.restart()
		if len(r.leftOut) != 1 || !strings.Contains(r.leftOut[0].Error(), `"crm"`) || len(r.problems) != 0 {
			r.Errorf("told of %v and of problems %v", r.leftOut, r.problems)
		}
		r.publish(DefaultApplication, "e", "{}")
		synctest.Wait()
		if len(r.sentTo("https://mine/")) != 1 || len(r.sentTo("https://x/")) != 1 || len(r.sentTo("https://theirs/")) != 0 {
			r.Errorf("sent %v", r.sent)
		}
		if err := r.DeleteEndpoint(r.Context(), DefaultApplication, mine.ID); err != nil {
			r.Fatal(err)
		}
		synctest.Wait()
		if e, err := r.Endpoint(DefaultApplication, "crm"); err != nil || !e.Managed {
			r.Errorf("afterwards it is %+v, %v", e, err)
		}
		if err := r.Configure(r.settings); err != nil {
			r.Error(err)
		}
	})
}

func TestADefaultApplicationThatIsMadeAgainIsAnother(t *testing.T) {
	inBubble(t, func(r *rig) {
		create := func() Application {
			a, err := r.CreateApplication(r.Context(), Application{Name: "d", UID: DefaultApplication})
			if err != nil {
				r.Fatal(err)
			}
			r.endpoint(DefaultApplication, "x")
			return a
		}
		publish := func() Message {
			m, err := r.Publish(r.Context(), DefaultApplication, Message{EventType: "e", Payload: []byte("{}"), IdempotencyKey: "k", EventID: "1"})
			if err != nil {
				r.Fatal(err)
			}
			synctest.Wait()
			return m
		}
		create()
		first := publish()
		if err := r.DeleteApplication(r.Context(), DefaultApplication); err != nil {
			r.Fatal(err)
		}
		create()
		second := publish()
		for range 2 {
			if _, err := r.Message(r.Context(), DefaultApplication, first.ID, false); err != ErrNotFound {
				r.Errorf("the deleted one's message: %v", err)
			}
			if _, err := r.Message(r.Context(), DefaultApplication, second.ID, true); err != nil {
				r.Errorf("the second one's message: %v", err)
			}
			r.restart()
		}
		if n := len(r.sentTo("https://x/")); n != 2 {
			r.Errorf("sent %d", n)
		}
	})
}

// Half an application that takes messages would lose them at the next start.
func TestAnApplicationIsDeletedWholeOrNot(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, full := range []bool{true, false} {
			r.journal.SetCapacity(journaltest.Registry, -1)
			a := r.app()
			r.endpoint(a.ID, "x")
			if full {
				r.journal.SetCapacity(journaltest.Registry, 0)
			}
			err := r.DeleteApplication(r.Context(), a.ID)
			m, published := r.Publish(r.Context(), a.ID, Message{EventType: "e", Payload: []byte("{}")})
			if (err == nil) == (published == nil) {
				r.Errorf("deleted: %v, published: %v", err, published)
			}
			r.restart()
			if _, kept := r.Message(r.Context(), a.ID, m.ID, false); (kept == nil) != (published == nil) {
				r.Errorf("published: %v, kept: %v", published, kept)
			}
		}
	})
}

func TestAFullRegistryStillDisablesAnEndpointAndTells(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := r.app()
		e := r.endpoint(a.ID, "x")
		r.answers(func(context.Context, sent) Answer { return Answer{Code: 410} })
		r.journal.SetCapacity(journaltest.Registry, 0)
		r.publish(a.ID, "e", `{}`)
		synctest.Wait()
		if len(r.disabled) != 1 {
			r.Errorf("told of %d", len(r.disabled))
		}
		r.journal.SetCapacity(journaltest.Registry, -1)
		time.Sleep(time.Minute)
		r.restart()
		if got, err := r.Endpoint(a.ID, e.ID); err != nil || !got.Disabled {
			r.Errorf("after a restart it is %+v, %v", got, err)
		}
	})
}

func TestATighterEgressKeepsNobodyFromDisabling(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Egress.AllowHTTP = true
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		a := r.app()
		e, err := r.CreateEndpoint(r.Context(), a.ID, Endpoint{URL: "http://x/"}, "")
		if err != nil {
			r.Fatal(err)
		}
		r.settings.Egress.AllowHTTP = false
		if err := r.Configure(r.settings); err != nil {
			r.Fatal(err)
		}
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.Disabled = true }); err != nil {
			r.Error(err)
		}
		if err := r.RotateSecret(r.Context(), a.ID, e.ID, "", time.Hour); err != nil {
			r.Error(err)
		}
		if _, err := r.ChangeEndpoint(r.Context(), a.ID, e.ID, func(e *Endpoint) { e.URL = "http://y/" }); err == nil {
			r.Error("another URL over HTTP is accepted")
		}
	})
}

func TestAConfiguredEndpointIsDisabledUntilItIsEnabled(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settings.Endpoints = []ConfiguredEndpoint{configured("x", "https://x/")}
		for i, s := range []Settings{r.settings, {}, r.settings} {
			if err := r.Configure(s); err != nil {
				r.Fatal(err)
			}
			if i == 0 {
				if _, err := r.ChangeEndpoint(r.Context(), DefaultApplication, "x", func(e *Endpoint) { e.Disabled = true }); err != nil {
					r.Fatal(err)
				}
			}
		}
		if e, err := r.Endpoint(DefaultApplication, "x"); err != nil || !e.Disabled {
			r.Errorf("%+v, %v", e, err)
		}
	})
}
