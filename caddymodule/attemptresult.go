package caddymodule

import (
	"maps"
	"slices"

	"github.com/hookseal/hookseal/outbound"
)

// The results of attempts, besides those of problems. Together they are the closed list that metrics
// use.
const (
	resultSuccess     = "success"
	resultRedirect    = "answered_3xx"
	resultClientError = "answered_4xx"
	resultServerError = "answered_5xx"
	resultOther       = "other"
)

// problemResults are the results of attempts that were not answered, by the problem that the hub names.
var problemResults = map[string]string{
	"timeout":                                         "timeout",
	"stopped before the answer":                       "stopped",
	"URL not allowed":                                 "url_not_allowed",
	"address not allowed":                             "address_not_allowed",
	"name not found":                                  "name_not_found",
	"name could not be looked up":                     "name_not_resolved",
	"connection refused":                              "connection_refused",
	"connection reset":                                "connection_reset",
	"host not reachable":                              "unreachable",
	"connection closed without an answer":             "connection_closed",
	"proxy not reachable":                             "proxy_unreachable",
	"refused by the proxy":                            "proxy_refused",
	"no valid answer":                                 "invalid_answer",
	"TLS: certificate not trusted":                    "tls_certificate",
	"TLS: certificate of another name":                "tls_certificate",
	"TLS: certificate expired or not valid yet":       "tls_certificate",
	"TLS: not spoken there":                           "tls_handshake",
	"TLS: handshake failed":                           "tls_handshake",
	"could not be signed with the endpoint's secrets": "not_signed",
	"the payload is gone":                             "payload_gone",
}

// attemptResults lists all results.
func attemptResults() []string {
	results := append(slices.Collect(maps.Values(problemResults)), resultSuccess, resultRedirect, resultClientError, resultServerError, resultOther)
	slices.Sort(results)
	return slices.Compact(results)
}

// attemptResult is what came of an attempt.
func attemptResult(a outbound.Attempt) string {
	switch {
	case a.Status == outbound.Succeeded:
		return resultSuccess
	case a.Code >= 300 && a.Code <= 399:
		return resultRedirect
	case a.Code >= 400 && a.Code <= 499:
		return resultClientError
	case a.Code >= 500 && a.Code <= 599:
		return resultServerError
	}
	if result, ok := problemResults[a.Response]; ok && a.Code == 0 {
		return result
	}
	return resultOther
}
