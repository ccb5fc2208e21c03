package verifiers

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// benchSizes are the sizes of bodies that are measured.
var benchSizes = []struct {
	name  string
	bytes int
}{{"1KiB", 1 << 10}, {"100KiB", 100 << 10}}

// benchBody returns an event of about size bytes: the id first, the type last, as Stripe has them,
// and a list that grows with size between.
func benchBody(size int) []byte {
	var b strings.Builder
	b.WriteString(`{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","eventId":"evt_1NG8Du2eZvKYlo2CUI79vXWy","event_id":"Ev123ABC456","object":"event","created":1767225600,"data":{"object":{"lines":[`)
	const tail = `]}},"livemode":false,"event":{"type":"message"},"eventType":"session.created","type":"invoice.created"}`
	for n := 0; b.Len()+len(tail) < size; n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"il_1NG8Du2eZvKYlo2C%08d","object":"line_item","amount":%d,"currency":"usd","description":"1 × Plan (at $9.00 / month)","metadata":{"order_id":"%d"},"url":"https://example.com/invoices/%d","proration":false}`, n, n, n, n)
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// benchDelivery returns a verifier of the preset with one secret, and a genuine delivery.
func benchDelivery(b testing.TB, scheme Scheme, body []byte) (*Verifier, Request) {
	b.Helper()
	v, err := New(scheme, secretsOf(scheme)[:1], optionsOf(scheme, Options{}))
	if err != nil {
		b.Fatal(err)
	}
	header, err := v.Sign(Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Event: "push", Body: body, Method: http.MethodPost, Target: "/in", Header: nonces})
	if err != nil {
		b.Fatal(err)
	}
	return v, Request{Method: http.MethodPost, Target: "/in", Header: header}
}

// benchSchemes are presets that differ in what they cost: the names of most are read from the body; then
// one of each kind of algorithm.
func benchSchemes(b *testing.B) []Scheme {
	schemes := firstPresets()
	for _, name := range []string{"discord", "gitlab-token", "hubspot-v1", "sendgrid", "wechatpay-v3"} {
		scheme, ok := Preset(name)
		if !ok {
			b.Fatalf("%s is no preset", name)
		}
		schemes = append(schemes, scheme)
	}
	return schemes
}

// BenchmarkVerify takes a delivery through both steps. The clock is the real one. Compare it with
// BenchmarkHMAC/pooled of the size.
func BenchmarkVerify(b *testing.B) {
	for _, scheme := range benchSchemes(b) {
		for _, size := range benchSizes {
			b.Run(scheme.Name+"/"+size.name, func(b *testing.B) {
				body := benchBody(size.bytes)
				v, r := benchDelivery(b, scheme, body)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := verify(v, r, body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkSign signs a message.
func BenchmarkSign(b *testing.B) {
	for _, scheme := range benchSchemes(b) {
		for _, size := range benchSizes {
			b.Run(scheme.Name+"/"+size.name, func(b *testing.B) {
				m := Message{ID: "msg_1", Event: "push", Body: benchBody(size.bytes), Header: nonces}
				v, _ := benchDelivery(b, scheme, m.Body)
				b.SetBytes(int64(len(m.Body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.Sign(m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkHMAC is the work that nobody can save: the hash alone, with one state that is reset, with
// states from a pool as here, and with a new state each time.
func BenchmarkHMAC(b *testing.B) {
	key := []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")
	for _, size := range benchSizes {
		body := benchBody(size.bytes)
		var sum [sha256.Size]byte
		run := func(name string, hash func()) {
			b.Run(name+"/"+size.name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					hash()
				}
			})
		}
		state := hmac.New(sha256.New, key)
		run("reset", func() {
			state.Reset()
			state.Write(body)
			state.Sum(sum[:0])
		})
		pooled := newKeyed("", HMACSHA256, key)
		run("pooled", func() { pooled.sum(sum[:0], body) })
		run("new", func() {
			mac := hmac.New(sha256.New, key)
			mac.Write(body)
			mac.Sum(sum[:0])
		})
	}
}
