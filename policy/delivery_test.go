package policy

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// check evaluates expressions on deliveries that make makes, a new one for each.
func check(t *testing.T, make func() *Delivery, outcomes map[string]string) {
	t.Helper()
	for source, want := range outcomes {
		if got := outcome(t, source, make()); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

func TestVariablesAreTheDeliverys(t *testing.T) {
	check(t, example, map[string]string{
		`provider == "shop"`:                             "true",
		`event == "order.created"`:                       "true",
		`id == "msg_1"`:                                  "true",
		`key == "current"`:                               "true",
		`method == "POST"`:                               "true",
		`path == "/hooks/shop"`:                          "true",
		`now == timestamp("2026-01-02T03:04:05Z")`:       "true",
		`timestamp == timestamp("2026-01-02T03:04:02Z")`: "true",
		`now.getHours() == 3`:                            "true",
	})
	check(t, func() *Delivery { return &Delivery{} }, map[string]string{
		`provider + event + id + key + method + path == ""`: "true",
		`size(query) == 0 && size(header) == 0`:             "true",
		`body == null`:                                      "error: invalid_json",
	})
}

func TestUnsignedTimestampCannotBeEvaluated(t *testing.T) {
	unsigned := func() *Delivery {
		d := example()
		d.Timestamp = time.Time{}
		return d
	}
	check(t, unsigned, map[string]string{
		`timestamp < now`:                         "error: no_timestamp",
		`timestamp > now`:                         "error: no_timestamp",
		`!(now - timestamp > duration("5m"))`:     "error: no_timestamp",
		`now > timestamp("2026-01-01T00:00:00Z")`: "true", // the function, not the variable
	})
}

func TestHeadersGoByLowerCaseNames(t *testing.T) {
	d := func() *Delivery {
		return &Delivery{Header: http.Header{
			"X-Topic": {"a", "b, c"}, "X-Empty": {""}, "X-None": {}, "x-raw": {"not reachable in net/http"},
		}}
	}
	check(t, d, map[string]string{
		`header["x-topic"] == "a, b, c"`:                  "true",
		`header["x-empty"] == ""`:                         "true",
		`header["x-none"] == ""`:                          "error: missing_key",
		`header["x-other"] == ""`:                         "error: missing_key",
		`header["x-raw"] != ""`:                           "error: missing_key",
		`"x-topic" in header`:                             "true",
		`"x-none" in header`:                              "false",
		`has(header.host)`:                                "false",
		"has(header.`x-topic`)":                           "true",
		`header.exists(name, name == "x-topic")`:          "true",
		`size(header) == 2`:                               "true",
		`header[event + "X-Topic"] == "a"`:                "error: missing_key", // made up while it runs
		`header == {"x-topic": "a, b, c", "x-empty": ""}`: "true",
	})
}

func TestParameterThatStandsTwiceIsAmbiguous(t *testing.T) {
	d := func() *Delivery {
		return &Delivery{RawQuery: "a=1&b=2&b=3&%63=4&c=5&d&e=%7B%22x%22%3A1%7D&f=x+y&&g=%C3%A9"}
	}
	check(t, d, map[string]string{
		`query.a == "1"`:                "true",
		`query.b == "2"`:                "error: ambiguous_key",
		`query.c == "5"`:                "error: ambiguous_key", // %63 is c
		`query.d == ""`:                 "true",
		`query.f == "x y"`:              "true",
		`query.g == "é"`:                "true",
		`parse_json(query.e).x == 1`:    "true",
		`query.z == ""`:                 "error: missing_key",
		`has(query.a) && !has(query.z)`: "true",
		`has(query.b)`:                  "error: ambiguous_key",
		`size(query) > 0`:               "error: ambiguous_key",
		`"a" in query`:                  "error: ambiguous_key", // "in" takes all of the query
	})
	for raw, want := range map[string]string{
		"a=1&b=%zz":  "true",                // stepped over
		"a=%zz":      "error: invalid_form", // read
		"%zz=1&a=1":  "error: invalid_form", // could be named a
		"a=%ff":      "error: invalid_form", // no UTF-8
		"a=1;b=2":    "error: invalid_form", // one field to some parsers, two to others
		"a=1%3Bb":    "false",
		"A=1":        "error: missing_key",
		"":           "error: missing_key",
		"b=2&a=1&c=": "true",
	} {
		if got := outcome(t, `query.a == "1"`, &Delivery{RawQuery: raw}); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestClientAddressesAreComparedAsWhatTheyAre(t *testing.T) {
	for _, tt := range []struct{ source, client, want string }{
		{`cidr("10.0.0.0/8")`, "10.255.0.1", "true"},
		{`cidr("10.0.0.0/8")`, "11.0.0.1", "false"},
		{`cidr("10.0.0.0/8")`, "::ffff:10.1.2.3", "true"},
		{`cidr("10.0.0.0/8")`, "::a01:203", "false"},
		{`cidr("2001:db8::/32")`, "2001:db8::1", "true"},
		{`cidr("fe80::/10")`, "fe80::1%eth0", "true"},
		{`cidr("::/0")`, "10.0.0.1", "false"},
		{`cidr(["192.0.2.0/24", "10.0.0.0/8"])`, "10.0.0.1", "true"},
		{`cidr(["192.0.2.0/24", "10.0.0.0/8"])`, "9.0.0.1", "false"},
		{`cidr("0.0.0.0/0")`, "", "error: no_client"},
		{`!cidr("0.0.0.0/0")`, "", "error: no_client"},
	} {
		d := &Delivery{}
		if tt.client != "" {
			d.Client = netip.MustParseAddr(tt.client)
		}
		if got := outcome(t, tt.source, d); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.source, tt.client, got, tt.want)
		}
	}
}

// What one rule has read is there for the next, and what it could not read is as wrong for the
// next: in particular, the place of an error is the second expression's own.
func TestEvaluationsOfOneDeliveryDoNotDisturbEachOther(t *testing.T) {
	d := example()
	sources := map[string]string{
		`body.customer.id == 7`:                  "true",
		`body.customer == {"id": 7}`:             "false",
		`body.lines[1].sku == "B-2"`:             "true",
		`body.lines.exists(l, l.count == 2)`:     "true",
		`parse_json(body.raw).source == "web"`:   "true",
		`body.none == 1`:                         "error: missing_key",
		`body.customer.none == 1`:                "error: missing_key",
		`has(body.none)`:                         "false",
		`body.lines.all(x, x.none == 1)`:         "error: missing_key",
		`query.debug == "1" && size(query) == 1`: "true",
	}
	for range 3 {
		for source, want := range sources {
			if got := outcome(t, source, d); got != want {
				t.Errorf("%s: %s, want %s", source, got, want)
			}
		}
	}
	for source, want := range map[string]string{
		`body.none == 1`:             "1:5: no such key or index",
		`true && (body.none == 1)`:   "1:14: no such key or index",
		"true &&\n   body.none == 1": "2:8: no such key or index",
	} {
		if _, err := eval(t, source, d); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", source, err, want)
		}
	}
}

func TestClearedDeliveryRemembersNothing(t *testing.T) {
	d := example()
	for _, source := range []string{`event == "order.created"`, `body.customer.id == 7`, `header["x-shop-topic"] != ""`,
		`query.debug == "1"`, `parse_json(body.raw).source == "web"`, `size(body) > 0`, `now > timestamp`} {
		if got := outcome(t, source, d); got != "true" {
			t.Fatalf("%s: %s", source, got)
		}
	}
	*d = Delivery{Event: "other", Body: []byte(`{"customer":{"id":8},"raw":"{\"source\": \"app\"}"}`), RawQuery: "debug=2"}
	for source, want := range map[string]string{
		`event == "other"`:                     "true",
		`body.customer.id == 8`:                "true",
		`size(body) == 2`:                      "true",
		`query.debug == "2"`:                   "true",
		`parse_json(body.raw).source == "app"`: "true",
		`header["x-shop-topic"] != ""`:         "error: missing_key",
		`now > timestamp`:                      "error: no_timestamp",
	} {
		if got := outcome(t, source, d); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}
