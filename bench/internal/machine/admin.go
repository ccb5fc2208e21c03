package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// Counters are some of runtime.MemStats.
type Counters struct {
	Mallocs    uint64
	TotalAlloc uint64
	HeapAlloc  uint64
	NumGC      uint32
}

// ReadCounters asks an admin endpoint what the process's runtime has counted.
func ReadCounters(ctx context.Context, admin string) (Counters, error) {
	body, err := get(ctx, "http://"+admin+"/debug/vars")
	if err != nil {
		return Counters{}, err
	}
	defer body.Close()
	var vars struct {
		Memstats Counters `json:"memstats"`
	}
	if err := json.NewDecoder(body).Decode(&vars); err != nil {
		return Counters{}, fmt.Errorf("reading the runtime's counters: %w", err)
	}
	return vars.Memstats, nil
}

// SaveProfile asks an admin endpoint for a profile and writes it to a file.
func SaveProfile(ctx context.Context, admin, profile, path string) error {
	body, err := get(ctx, "http://"+admin+"/debug/pprof/"+profile)
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, body); err != nil {
		file.Close()
		return fmt.Errorf("saving the profile: %w", err)
	}
	return file.Close()
}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("GET %s: answer %d", url, answer.StatusCode)
	}
	return answer.Body, nil
}
