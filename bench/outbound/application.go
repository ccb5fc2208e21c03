package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// application is the uid of the application that all events are published to.
const application = "bench"

// register makes the application, with an endpoint for each URL.
func (g *gateway) register(ctx context.Context, urls []string) error {
	if err := g.create(ctx, "/api/v1/app", map[string]any{"name": application, "uid": application}); err != nil {
		return err
	}
	for _, url := range urls {
		if err := g.create(ctx, "/api/v1/app/"+application+"/endpoint", map[string]any{"url": url}); err != nil {
			return err
		}
	}
	return nil
}

func (g *gateway) create(ctx context.Context, path string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err == nil && answer.StatusCode != http.StatusCreated {
		err = fmt.Errorf("POST %s: answer %d: %s", path, answer.StatusCode, text)
	}
	return err
}
