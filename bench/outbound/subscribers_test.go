package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A delivery that is not counted, or counted twice, would be a wrong figure and not an error.
func TestSubscribersCountWhatTheyAnswer(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		s, err := listen(3, status)
		if err != nil {
			t.Fatal(err)
		}
		var sending sync.WaitGroup
		for i := range 30 {
			sending.Go(func() {
				body := strings.Repeat("x", i*1000)
				answer, err := http.Post(s.urls[i%3], "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				answer.Body.Close()
				if answer.StatusCode != status {
					t.Errorf("answer %d", answer.StatusCode)
				}
			})
		}
		sending.Wait()
		if err := s.await(30); err != nil {
			t.Error(err)
		}
		if err := s.await(29); err == nil {
			t.Error("one delivery too many was not noticed")
		}
		s.close()
	}
}
