package api

import "github.com/hookseal/hookseal/outbound"

// destinationOut is an endpoint that a message is sent to, with what has become of it.
type destinationOut struct {
	endpointCommon
	deliveryOut
}

// attemptedMessageOut is a message that is sent to an endpoint, with what has become of it.
type attemptedMessageOut struct {
	messageOut
	deliveryOut
}

type deliveryOut struct {
	Status      outbound.Status `json:"status"`
	NextAttempt *moment         `json:"nextAttempt"`
	*statusText
}

func (c *call) showDelivery(d outbound.Delivery) deliveryOut {
	return deliveryOut{d.Status, optionalMoment(d.Next), since144(c, statusText{d.Status.String()})}
}

// listDestinations lists the endpoints that a message is sent to.
func listDestinations(c *call) (answer, error) {
	q := c.query()
	p := q.page(false)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	page, more, err := c.hub.Deliveries(c.app(), outbound.DeliveryFilter{Message: c.message()}, p)
	if err != nil {
		return answer{}, err
	}
	return replyList(page, more, func(d outbound.Delivery) string { return d.Endpoint.ID }, func(d outbound.Delivery) destinationOut {
		return destinationOut{c.showCommon(d.Endpoint), c.showDelivery(d)}
	})
}

// listAttemptedMessages lists the messages that are sent to an endpoint, the newest first. With status=2
// that is its dead letters.
func listAttemptedMessages(c *call) (answer, error) {
	q := c.query()
	p := q.page(true)
	filter := outbound.DeliveryFilter{MessageFilter: q.filter(), Endpoint: c.endpoint(), Status: q.status()}
	content := q.flag("with_content", true)
	if err := q.err(); err != nil {
		return answer{}, err
	}
	page, more, err := c.hub.Deliveries(c.app(), filter, p)
	if err != nil {
		return answer{}, err
	}
	return replyPart(page, more, p, func(d outbound.Delivery) string { return d.Message.ID }, func(d outbound.Delivery) (attemptedMessageOut, int, error) {
		message, size, err := c.showListed(d.Message, content)
		return attemptedMessageOut{message, c.showDelivery(d)}, size, err
	})
}
