package api

// health answers 204 if the hub is working.
func health(c *call) (answer, error) {
	if err := c.hub.Ready(); err != nil {
		return answer{}, err
	}
	return done, nil
}
