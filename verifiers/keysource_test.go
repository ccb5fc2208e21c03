package verifiers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// vendor is one whose answers the tests decide. It counts who asks.
type vendor struct {
	answer func(*http.Request) (*http.Response, error)
	asked  atomic.Int64
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	v.asked.Add(1)
	return v.answer(r)
}

// serving is a vendor that has the key "good" and every name of it, for as long as up is set.
func serving(up *atomic.Bool) *vendor {
	return &vendor{answer: func(r *http.Request) (*http.Response, error) {
		if !up.Load() {
			return nil, errors.New("no route to host")
		}
		if strings.Contains(r.URL.Path, "unknown") {
			return answer(""), nil
		}
		return answer("key of " + r.URL.Path), nil
	}}
}

// isUp returns a switch that is on.
func isUp() *atomic.Bool {
	var up atomic.Bool
	up.Store(true)
	return &up
}

// wanted returns a query of a key that is its own text, and may be used until a time.
func wanted(name string, until time.Time) keyQuery {
	return keyQuery{
		name:    name,
		request: keyRequest{url: "https://keys.example.com/" + name},
		read: func(text []byte, _ time.Time, _ bool) (any, time.Time, error) {
			return string(text), until, nil
		},
	}
}

// fetch asks for a key without end.
func fetch(s *KeySource, name string) error {
	key, err := s.key(context.Background(), wanted(name, time.Time{}))
	if err == nil && key != "key of /"+name {
		return fmt.Errorf("%s is %v", name, key)
	}
	return err
}

// TestOneFetchServesAllWhoWait: deliveries that name one key at once make one request.
func TestOneFetchServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer("key of " + r.URL.Path), nil
		}}
		s := NewKeySource(KeySourceOptions{Transport: v})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := fetch(s, "good"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := v.asked.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestWhoLeavesEndsNoFetch: a sender that hangs up gets no key, and the one that comes next finds it.
func TestWhoLeavesEndsNoFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(time.Second):
				return answer("key of " + r.URL.Path), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}}
		s := NewKeySource(KeySourceOptions{Transport: v})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.key(ctx, wanted("good", time.Time{})); !errors.Is(err, ErrKeyUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := fetch(s, "good"); err != nil || v.asked.Load() != 1 {
			t.Errorf("%v after %d requests", err, v.asked.Load())
		}
	})
}

// TestAFetchHasBounds: a vendor that doesn't answer, answers too much, or sends elsewhere gives no key.
func TestAFetchHasBounds(t *testing.T) {
	for name, respond := range map[string]func(*http.Request) (*http.Response, error){
		"nothing": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"too much": func(*http.Request) (*http.Response, error) { return answer(strings.Repeat("x", maxFetched+1)), nil },
		"a redirect": func(*http.Request) (*http.Response, error) {
			response := answer("moved")
			response.StatusCode = http.StatusFound
			response.Header = http.Header{"Location": {"https://evil.example.com/good"}}
			return response, nil
		},
		"an error": func(*http.Request) (*http.Response, error) {
			response := answer("key of /good")
			response.StatusCode = http.StatusInternalServerError
			return response, nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := &vendor{answer: respond}
			s := NewKeySource(KeySourceOptions{Transport: v})
			start := time.Now()
			err := fetch(s, "good")
			if !errors.Is(err, ErrKeyUnavailable) || errors.Is(err, ErrNotGenuine) || v.asked.Load() != 1 {
				t.Errorf("%s: %v after %d requests", name, err, v.asked.Load())
			}
			if took := time.Since(start); took > fetchTimeout {
				t.Errorf("%s: took %s", name, took)
			}
			if text := fmt.Sprint(err); strings.Contains(text, "/good") || strings.Contains(text, "xxx") {
				t.Errorf("%s: the error says what was asked or answered: %v", name, err)
			}
		})
	}
	s := NewKeySource(KeySourceOptions{Transport: &vendor{answer: func(*http.Request) (*http.Response, error) {
		return answer(strings.Repeat("x", maxFetched)), nil
	}}})
	if _, err := s.key(t.Context(), wanted("good", time.Time{})); err != nil {
		t.Errorf("as much as there may be: %v", err)
	}
}

// TestNothingIsFetchedWithoutTLS: whatever a scheme's pattern lets through.
func TestNothingIsFetchedWithoutTLS(t *testing.T) {
	v := serving(isUp())
	s := NewKeySource(KeySourceOptions{Transport: v})
	for _, url := range []string{"http://keys.example.com/good", "file:///etc/passwd", "//keys.example.com/good", "", "https://keys.example.com/%zz"} {
		q := wanted("good", time.Time{})
		q.request.url = url
		if _, err := s.key(t.Context(), q); !errors.Is(err, ErrKeyUnavailable) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if n := v.asked.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestAKeyIsKeptForADayAtMost: half of it without asking, then for as long as asking again fails.
func TestAKeyIsKeptForADayAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := isUp()
		v := serving(up)
		s := NewKeySource(KeySourceOptions{Transport: v})
		check := func(when string, requests int64, want error) {
			t.Helper()
			err := fetch(s, "good")
			synctest.Wait() // for what nobody waits for
			if n := v.asked.Load(); n != requests || !errors.Is(err, want) {
				t.Errorf("%s: %v after %d requests; want %v after %d", when, err, n, want, requests)
			}
		}
		check("first", 1, nil)
		time.Sleep(keyFresh - 1)
		check("fresh", 1, nil)
		time.Sleep(time.Nanosecond)
		check("renewed, without a wait", 2, nil)
		check("fresh again", 2, nil)
		time.Sleep(keyFresh)
		up.Store(false)
		check("not renewed", 3, nil)
		check("not asked again at once", 3, nil)
		time.Sleep(keyRetry)
		check("asked again", 4, nil)
		time.Sleep(keyKept - keyFresh - keyRetry)
		check("too old", 5, ErrKeyUnavailable)
		check("and not asked again at once", 5, ErrKeyUnavailable)
		up.Store(true)
		time.Sleep(keyRetry)
		check("there again", 6, nil)
	})
}

// TestNoKeyOutlivesItsCertificate: however lately it was fetched.
func TestNoKeyOutlivesItsCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		q := wanted("good", time.Now().Add(time.Hour))
		for range 2 {
			if _, err := s.key(t.Context(), q); err != nil || v.asked.Load() != 1 {
				t.Errorf("%v after %d requests", err, v.asked.Load())
			}
		}
		time.Sleep(time.Hour)
		q.read = func([]byte, time.Time, bool) (any, time.Time, error) {
			return nil, time.Time{}, errors.New("not in force")
		}
		if key, err := s.key(t.Context(), q); !errors.Is(err, ErrKeyUnavailable) || key != nil {
			t.Errorf("%v, %v", key, err)
		}
	})
}

// TestWhatIsNotThereIsNotAskedForAgainAtOnce: forged deliveries make few requests.
func TestWhatIsNotThereIsNotAskedForAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		for range 100 {
			if err := fetch(s, "unknown"); !errors.Is(err, ErrKeyUnavailable) {
				t.Fatal(err)
			}
		}
		if n := v.asked.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
		time.Sleep(keyRetry)
		if err := fetch(s, "unknown"); !errors.Is(err, ErrKeyUnavailable) || v.asked.Load() != 2 {
			t.Errorf("%v after %d requests", err, v.asked.Load())
		}
	})
}

// TestUnknownKeysAreAskedForAtABoundedRate: and meanwhile the known ones are used, and renewed. Little is kept
// of what isn't there.
func TestUnknownKeysAreAskedForAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		if err := fetch(s, "good"); err != nil {
			t.Fatal(err)
		}
		const hours = 25
		for i := range hours * 3600 {
			_ = fetch(s, fmt.Sprintf("unknown-%d", i))
			if i%600 == 0 {
				if err := fetch(s, "good"); err != nil {
					t.Fatalf("after %d seconds: %v", i, err)
				}
			}
			time.Sleep(time.Second)
		}
		most := int64(keyBurst + hours*time.Hour/keyRefill + 4)
		if n := v.asked.Load(); n > most || n < most/2 {
			t.Errorf("%d requests; want about %d", n, most)
		}
		if n := len(s.entries); n > 1+keyBurst+int(keyRetry/keyRefill) {
			t.Errorf("%d entries", n)
		}
		time.Sleep(keyRefill)
		if err := fetch(s, "good too"); err != nil {
			t.Errorf("and then one that is there: %v", err)
		}
	})
}

// TestOnePeerLeavesSomethingToAskFor: who floods the gateway with names of keys keeps nobody else's first
// delivery from being checked.
func TestOnePeerLeavesSomethingToAskFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		from := func(peer, name string) error {
			q := wanted(name, time.Time{})
			q.peer = peer
			_, err := s.key(t.Context(), q)
			return err
		}
		const minutes = 10
		for i := range minutes * 60 {
			for j := range 10 {
				_ = from("forger", fmt.Sprintf("unknown-%d-%d", i, j))
			}
			time.Sleep(time.Second)
		}
		if n, most := v.asked.Load(), int64(peerBurst+minutes*time.Minute/peerRefill); n > most {
			t.Errorf("%d requests for one peer; want at most %d", n, most)
		}
		if err := from("sender", "good"); err != nil {
			t.Error(err)
		}
		if err := from("forger", "good"); err != nil {
			t.Errorf("what is known is for everybody: %v", err)
		}
	})
}

// TestManyPeersCostLittle: however many there are, few are known, and the bound for all holds.
func TestManyPeersCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		for i := range 4 * maxPeers {
			q := wanted(fmt.Sprintf("unknown-%d", i), time.Time{})
			q.peer = fmt.Sprint(i)
			_, _ = s.key(t.Context(), q)
		}
		if n := v.asked.Load(); n != keyBurst {
			t.Errorf("%d requests", n)
		}
		if n := len(s.peers); n > maxPeers+1 {
			t.Errorf("%d peers are known", n)
		}
		time.Sleep(peerRefill)
		q := wanted("good", time.Time{})
		q.peer = "sender"
		if _, err := s.key(t.Context(), q); err != nil {
			t.Error(err)
		}
		if n := len(s.peers); n > 2 {
			t.Errorf("%d peers are known when all may ask again", n)
		}
	})
}

// TestNobodyUsesUpWhatOthersMayAskFor: forged deliveries of one provider don't keep the keys of another away, though
// one source serves both.
func TestNobodyUsesUpWhatOthersMayAskFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewKeySource(KeySourceOptions{Transport: serving(isUp())})
		for i := range 2 * keyBurst {
			_ = fetch(s, fmt.Sprintf("unknown-%d", i))
		}
		if err := fetch(s, "good"); !errors.Is(err, ErrKeyUnavailable) {
			t.Errorf("the test uses up nothing: %v", err)
		}
		q := wanted("good", time.Time{})
		q.request.url = "https://keys.example.net/good"
		if _, err := s.key(t.Context(), q); err != nil {
			t.Error(err)
		}
	})
}

// TestNamedKeysDriveOutNoProvedOnes: forged deliveries may name any number of keys that are there.
func TestNamedKeysDriveOutNoProvedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serving(isUp())
		s := NewKeySource(KeySourceOptions{Transport: v})
		if err := fetch(s, "good"); err != nil {
			t.Fatal(err)
		}
		s.prove(wanted("good", time.Time{}))
		for i := range 5 * maxKeys {
			time.Sleep(keyRefill)
			if err := fetch(s, fmt.Sprintf("other-%d", i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := len(s.entries); n != maxKeys {
			t.Errorf("%d entries", n)
		}
		before := v.asked.Load()
		if err := fetch(s, "good"); err != nil || v.asked.Load() != before {
			t.Errorf("%v after %d more requests", err, v.asked.Load()-before)
		}
		if last := fmt.Sprintf("other-%d", 5*maxKeys-1); fetch(s, last) != nil || v.asked.Load() != before {
			t.Errorf("the one named last isn't there")
		}
	})
}

// TestKnownKeysAreNeverFetched: and one that can't be read is no key, not a refused delivery.
func TestKnownKeysAreNeverFetched(t *testing.T) {
	v := serving(isUp())
	s := NewKeySource(KeySourceOptions{Transport: v, Known: map[string]string{"good": "key of /good", "broken": "x"}})
	for range 2 {
		if err := fetch(s, "good"); err != nil {
			t.Error(err)
		}
	}
	q := wanted("broken", time.Time{})
	q.read = func(_ []byte, _ time.Time, vouched bool) (any, time.Time, error) {
		return nil, time.Time{}, fmt.Errorf("vouched: %t", vouched)
	}
	if _, err := s.key(t.Context(), q); !errors.Is(err, ErrKeyUnavailable) || !strings.Contains(err.Error(), "vouched: true") {
		t.Error(err)
	}
	if n := v.asked.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestAKeySourceServesManyAtOnce is for the race detector: keys come, go and are proved all at once.
func TestAKeySourceServesManyAtOnce(t *testing.T) {
	up := isUp()
	var elapsed atomic.Int64
	s := NewKeySource(KeySourceOptions{Transport: serving(up), Now: func() time.Time { return referenceNow.Add(time.Duration(elapsed.Load())) }})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 500 {
				name := fmt.Sprintf("good-%d", j%20)
				if i%4 == 0 {
					name = fmt.Sprintf("unknown-%d", j)
				}
				if err := fetch(s, name); err == nil {
					s.prove(wanted(name, time.Time{}))
				} else if !errors.Is(err, ErrKeyUnavailable) {
					t.Error(err)
				}
				elapsed.Add(int64(10 * time.Second))
				up.Store(j%50 != 0)
			}
		})
	}
	all.Wait()
}
