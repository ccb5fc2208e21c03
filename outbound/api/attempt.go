package api

import (
	"net/http"

	"github.com/hookseal/hookseal/outbound"
)

type attemptOut struct {
	ID         string           `json:"id"`
	EndpointID string           `json:"endpointId"`
	MessageID  string           `json:"msgId"`
	URL        string           `json:"url"`
	Response   string           `json:"response"`
	StatusCode int              `json:"responseStatusCode"`
	Duration   int64            `json:"responseDurationMs"`
	Status     outbound.Status  `json:"status"`
	Trigger    outbound.Trigger `json:"triggerType"`
	Timestamp  moment           `json:"timestamp"`
	Message    *messageOut      `json:"msg,omitempty"`
	*statusText
}

// statusText is a status in a word, which is newer than its number.
type statusText struct {
	Text string `json:"statusText"`
}

// showAttempt shows an attempt, with an empty object for the endpoint's answer unless content is set.
func (c *call) showAttempt(a outbound.Attempt, content bool) attemptOut {
	out := attemptOut{
		ID:         a.ID,
		EndpointID: a.Endpoint,
		MessageID:  a.Message,
		URL:        a.URL,
		Response:   "{}",
		StatusCode: a.Code,
		Duration:   a.Took.Milliseconds(),
		Status:     a.Status,
		Trigger:    a.Trigger,
		Timestamp:  moment(a.Time),
		statusText: since144(c, statusText{a.Status.String()}),
	}
	if content {
		out.Response = a.Response
	}
	return out
}

// listAttempts lists attempts of a message or to an endpoint, or both, the newest first.
func listAttempts(c *call) (answer, error) {
	q := c.query()
	p := q.page(true)
	filter := outbound.AttemptFilter{
		MessageFilter: q.filter(),
		Message:       c.message(),
		Endpoint:      c.endpoint(),
		Status:        q.status(),
		CodeClass:     q.oneOf("status_code_class", 0, 100, 200, 300, 400, 500),
	}
	if filter.Endpoint == "" {
		filter.Endpoint = q.text("endpoint_id")
	}
	content := q.flag("with_content", true)
	withMessage := q.flag("with_msg", false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	page, more, err := c.hub.Attempts(c.request.Context(), c.app(), filter, p)
	if err != nil {
		return answer{}, err
	}
	messages := make(map[string]*messageOut)
	if withMessage {
		for _, a := range page {
			if messages[a.Message] != nil {
				continue
			}
			m, err := c.hub.Message(c.request.Context(), c.app(), a.Message, false)
			if err != nil {
				// It may just have expired: the attempt is still worth showing.
				continue
			}
			shown := c.showMessage(m, false)
			messages[a.Message] = &shown
		}
	}
	return replyList(page, more, func(a outbound.Attempt) string { return a.ID }, func(a outbound.Attempt) attemptOut {
		out := c.showAttempt(a, content)
		out.Message = messages[a.Message]
		return out
	})
}

func getAttempt(c *call) (answer, error) {
	a, err := c.hub.Attempt(c.request.Context(), c.app(), c.message(), c.arguments["attempt"])
	if err != nil {
		return answer{}, err
	}
	return reply(http.StatusOK, c.showAttempt(a, true))
}

// resend sends a message to an endpoint again.
func resend(c *call) (answer, error) {
	if err := c.hub.Resend(c.request.Context(), c.app(), c.message(), c.endpoint()); err != nil {
		return answer{}, err
	}
	return reply(http.StatusAccepted, struct{}{})
}
