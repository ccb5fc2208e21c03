package caddymodule

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The header fields that tell the app what was verified. A client's own are removed first.
const (
	headerProvider  = "Webhook-Verified-Provider"
	headerEvent     = "Webhook-Verified-Event"
	headerID        = "Webhook-Verified-Id"
	headerTimestamp = "Webhook-Verified-Timestamp"
	headerKey       = "Webhook-Verified-Key"

	// headerMarker is set to "false" on what "mode monitor" lets through unverified.
	headerMarker = "Webhook-Verified"
)

// ownHeader takes out of a client's header what would make the app see another request than the
// one that is verified here and that the rules see:
//
//   - every Webhook-Verified* field, under any spelling that becomes the same name in a CGI or
//     WSGI app;
//   - every field that its Connection field names: a proxy drops those, ours among them, so here
//     they are dropped before anybody reads them;
//   - Upgrade, because behind an upgrade nothing is verified.
func ownHeader(header http.Header) {
	stripVerifiedNames(header)
	for _, value := range header["Connection"] {
		for option := range strings.SplitSeq(value, ",") {
			header.Del(strings.TrimSpace(option))
		}
	}
	delete(header, "Connection")
	delete(header, "Upgrade")
}

// stripVerifiedNames removes the fields alone.
func stripVerifiedNames(header http.Header) {
	for name := range header {
		if isVerifiedName(name) {
			delete(header, name)
		}
	}
}

// isVerifiedName reports whether a header's name begins with Webhook-Verified, as an app may spell it.
func isVerifiedName(name string) bool {
	return len(name) >= len(headerMarker) && sameField(name[:len(headerMarker)], headerMarker)
}

// sameField reports whether a name may become the same as a field's in an app, whatever its case and
// whatever stands for the hyphen: some servers make an underscore of everything else.
func sameField(name, field string) bool {
	if len(name) != len(field) {
		return false
	}
	for i := range len(field) {
		c, want := name[i], field[i]
		if want == '-' {
			if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
				return false
			}
		} else if c|0x20 != want|0x20 {
			return false
		}
	}
	return true
}

// setVerified sets our fields. Values that the delivery doesn't have are not set.
func (d *delivery) setVerified(header http.Header) {
	values := d.headerValues[:]
	set := func(name, value string) {
		if value != "" {
			values[0] = value
			header[name] = values[:1:1]
			values = values[1:]
		}
	}
	set(headerProvider, d.Provider)
	set(headerEvent, d.Event)
	set(headerID, d.ID)
	set(headerTimestamp, unixText(d.Timestamp))
	set(headerKey, d.Key)
}

// unixText writes a time in whole seconds since 1970, and the zero time as "".
func unixText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}
