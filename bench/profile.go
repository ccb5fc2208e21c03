package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// profileSeconds is how long a gateway is watched under load.
const profileSeconds = 5

// allocations is what a gateway allocates for one delivery.
type allocations struct {
	Objects     float64 `json:"objects"`
	Bytes       float64 `json:"bytes"`
	Collections float64 `json:"collections"`
}

// countAllocations sends n deliveries and divides by n what the gateway's runtime counted
// meanwhile.
func countAllocations(ctx context.Context, l *load, n int) (*allocations, error) {
	before, err := readCounters(ctx, l.gateway.admin)
	if err != nil {
		return nil, err
	}
	if err := l.turn(n); err != nil {
		return nil, err
	}
	after, err := readCounters(ctx, l.gateway.admin)
	if err != nil {
		return nil, err
	}
	per := float64(n)
	return &allocations{
		Objects:     float64(after.Mallocs-before.Mallocs) / per,
		Bytes:       float64(after.TotalAlloc-before.TotalAlloc) / per,
		Collections: float64(after.NumGC-before.NumGC) / per,
	}, nil
}

// counters are some of runtime.MemStats.
type counters struct {
	Mallocs    uint64
	TotalAlloc uint64
	NumGC      uint32
}

func readCounters(ctx context.Context, admin string) (counters, error) {
	body, err := get(ctx, "http://"+admin+"/debug/vars")
	if err != nil {
		return counters{}, err
	}
	defer body.Close()
	var vars struct {
		Memstats counters `json:"memstats"`
	}
	if err := json.NewDecoder(body).Decode(&vars); err != nil {
		return counters{}, fmt.Errorf("reading the runtime's counters: %w", err)
	}
	return vars.Memstats, nil
}

// writeProfiles keeps the gateway busy for profileSeconds and writes the CPU profile of that time
// and the profile of all allocations since the start, to files whose names begin with prefix.
func writeProfiles(ctx context.Context, l *load, prefix string) error {
	done := make(chan error, 1)
	go func() {
		path := fmt.Sprintf("profile?seconds=%d", profileSeconds)
		if err := saveProfile(ctx, l.gateway.admin, path, prefix+".cpu.pprof"); err != nil {
			done <- err
			return
		}
		done <- saveProfile(ctx, l.gateway.admin, "allocs", prefix+".allocs.pprof")
	}()
	for {
		select {
		case err := <-done:
			return err
		default:
			if err := l.turn(10 * len(l.connections)); err != nil {
				return err
			}
		}
	}
}

func saveProfile(ctx context.Context, admin, profile, path string) error {
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
