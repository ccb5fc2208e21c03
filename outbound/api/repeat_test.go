package api

import (
	"errors"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// copyOf is a request with an idempotency key.
func copyOf(key string) *call {
	request := httptest.NewRequest("POST", "/api/v1/app", nil)
	request.Header.Set("Idempotency-Key", key)
	return &call{request: request}
}

func TestACopyWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRepeats(time.Now)
		var done atomic.Int32
		operate := func(*call) (answer, error) {
			time.Sleep(time.Second)
			n := done.Add(1)
			return reply(200, n)
		}
		answers := make(chan answer, 10)
		for range 10 {
			go func() {
				a, err := r.serve(copyOf("k"), operate)
				if err != nil {
					t.Error(err)
				}
				answers <- a
			}()
		}
		for range 10 {
			if a := <-answers; string(a.body) != "1\n" {
				t.Errorf("a copy got %s", a.body)
			}
		}
		if n := done.Load(); n != 1 {
			t.Errorf("was done %d times", n)
		}
	})
}

func TestACopyOfWhatFailedIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRepeats(time.Now)
		first := true
		operate := func(*call) (answer, error) {
			if first {
				first = false
				time.Sleep(time.Second)
				return answer{}, errors.New("failed")
			}
			return done, nil
		}
		go r.serve(copyOf("k"), operate)
		synctest.Wait()
		if a, err := r.serve(copyOf("k"), operate); err != nil || a.status != done.status {
			t.Errorf("got %v, %v", a, err)
		}
	})
}

// A panic must not leave the copies waiting for ever.
func TestACopyOfWhatPanickedIsDone(t *testing.T) {
	r := newRepeats(time.Now)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		r.serve(copyOf("k"), func(*call) (answer, error) { panic("oh") })
	}()
	if _, err := r.serve(copyOf("k"), func(*call) (answer, error) { return done, nil }); err != nil {
		t.Error(err)
	}
}

func TestWhatIsKeptOfAnswersIsBounded(t *testing.T) {
	r := newRepeats(time.Now)
	large := make([]byte, maxRepeatBytes/4)
	for _, key := range []string{"1", "2", "3", "4", "5", "6"} {
		r.serve(copyOf(key), func(*call) (answer, error) { return answer{status: 200, body: large}, nil })
	}
	if r.bytes > maxRepeatBytes || r.kept.Len() != 4 {
		t.Errorf("%d answers of %d bytes are kept", r.kept.Len(), r.bytes)
	}
	r.serve(copyOf("7"), func(*call) (answer, error) { return answer{status: 200, body: make([]byte, maxRepeatBytes+1)}, nil })
	for i := range maxRepeats + 10 {
		r.serve(copyOf("key-"+strconv.Itoa(i)), func(*call) (answer, error) { return done, nil })
	}
	if n := r.kept.Len(); n != maxRepeats || r.bytes != 0 {
		t.Errorf("%d answers of %d bytes are kept", n, r.bytes)
	}
}
