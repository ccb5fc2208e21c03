package api

import "net/http"

type statisticsOut struct {
	Success int `json:"success"`
	Pending int `json:"pending"`
	Sending int `json:"sending"`
	Fail    int `json:"fail"`
	*canceled
}

// canceled counts what Svix's users can cancel and this server's can't.
type canceled struct {
	Count int `json:"canceled"`
}

// getStatistics counts what has become of the messages to an endpoint.
func getStatistics(c *call) (answer, error) {
	q := c.query()
	since, until := q.moment("since"), q.moment("until")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	n, err := c.hub.EndpointStats(c.app(), c.endpoint(), since, until)
	if err != nil {
		return answer{}, err
	}
	return reply(http.StatusOK, statisticsOut{n.Succeeded, n.Waiting, n.Sending, n.Failed, since144(c, canceled{})})
}
