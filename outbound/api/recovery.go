package api

import (
	"crypto/rand"
	"net/http"

	"github.com/hookseal/hookseal/outbound"
)

// taskOut is what Svix calls a background task. Here it is finished when it is answered: what it sends
// again has been put in its place.
type taskOut struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Task   string `json:"task"`
	*taskNewer
}

type taskNewer struct {
	UpdatedAt moment `json:"updatedAt"`
}

// recoverFailed sends an endpoint again what failed.
func recoverFailed(c *call) (answer, error) { return c.recover("endpoint.recover", false) }

// replayMissing sends an endpoint what it subscribes to and was never sent.
func replayMissing(c *call) (answer, error) { return c.recover("endpoint.replay", true) }

func (c *call) recover(task string, missing bool) (answer, error) {
	f, err := c.fields()
	if err != nil {
		return answer{}, err
	}
	f.need("since")
	recovery := outbound.Recovery{
		Since:   f.moment("since").value,
		Until:   f.moment("until").value,
		Missing: missing,
	}
	if err := f.err(); err != nil {
		return answer{}, err
	}
	_, err = c.hub.Recover(c.request.Context(), c.app(), c.endpoint(), recovery)
	if err != nil {
		return answer{}, named(err, map[string][]string{"Since": {"body", "since"}, "Until": {"body", "until"}})
	}
	return reply(http.StatusAccepted, taskOut{
		ID:        "qtask_" + rand.Text(),
		Status:    "finished",
		Task:      task,
		taskNewer: since144(c, taskNewer{moment(c.now())}),
	})
}
