package main

import (
	"fmt"
	"strings"
)

// The sizes that an event may have. The API takes bodies up to 1 MiB.
const (
	smallestEvent = 128
	largestEvent  = 1<<20 - 1<<10
)

// eventCounter is how many digits of an event tell it from all others.
const eventCounter = 16

// event returns a JSON object of a size. It ends with the digits of a counter, and what is returned
// besides is how many bytes are behind them.
func event(size int) (text string, behind int) {
	const (
		start  = `{"order":4711,"customer":"wile-e","note":"`
		middle = `","number":"`
		end    = `"}`
	)
	filler := strings.Repeat("beep ", size/5+1)[:size-len(start)-len(middle)-eventCounter-len(end)]
	return start + filler + middle + strings.Repeat("0", eventCounter) + end, len(end)
}

// publishRequest returns a request that publishes an event to an application, and where its counter
// starts.
func publishRequest(address, token, app string, size int) (request []byte, counter int) {
	text, behind := event(size)
	body := `{"eventType":"order.paid","payload":` + text + `}`
	request = fmt.Appendf(nil, "POST /api/v1/app/%s/msg HTTP/1.1\r\n"+
		"Host: %s\r\n"+
		"User-Agent: bench\r\n"+
		"Authorization: Bearer %s\r\n"+
		"Accept: application/json\r\n"+
		"Content-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", app, address, token, len(body), body)
	return request, len(request) - len("}") - behind - eventCounter
}
