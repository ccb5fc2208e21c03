// Package verifiers answers "is this delivery genuine, and how do I sign one?"
//
// How a provider signs is a value, a [Scheme]: where its signature, time, id and event stand,
// what the signature covers, and how it is computed and written. The schemes that ship are a
// table, [Presets]; anything else that fits the same description can be given as a Scheme.
// [New] compiles a scheme and its secrets into a [Verifier], which checks deliveries in two
// steps, so that what the headers alone can refuse is refused before the body is read:
//
//	check, err := verifier.Check(request) // the headers
//	defer check.Close()
//	delivery, err := check.Verify(body)   // the exact bytes of the body
//
// An error under [ErrNotGenuine] says that the delivery must be refused, and [ReasonOf] says why;
// any other error says that it could not be checked.
//
// Besides deliveries providers send challenges, which Options.Handshake makes a [Handshake] answer.
//
// What no template describes is a scheme in code: a literal in the same table, with a file of its own
// that does the two steps. See code.go for what such a file has to do and what it finds at hand.
package verifiers

import (
	"slices"
	"time"
)

// Scheme describes how a provider signs its deliveries.
//
// Signature, Timestamp, ID and Event name places, each written "kind:name":
//
//	header:X-Hub-Signature-256   a header field, which must stand at most once
//	query:signature              a parameter of the URL's query, which must stand at most once
//	json:event.type              a value in the JSON body; steps are separated by dots
//	json:events.*.type           the value that all elements of an array have (for ID and Event), or
//	                             every one of them (for the Signature of Equal)
//	form:trade_status            a field of a form in the body (for ID and Event)
//	header:X-Signature-*         the fields X-Signature-1, -2 and so on (for Signature only)
//	list:t                       an entry of the signature's own list (for Timestamp only)
type Scheme struct {
	// Name is what configurations call the scheme. Default: custom.
	Name string `json:"name,omitempty"`

	// Title is the provider's own name.
	Title string `json:"title,omitempty"`

	// Reference is the address of the vendor's page that documents the scheme.
	Reference string `json:"reference,omitempty"`

	// Note says in a sentence what a reader must know besides: what the signature leaves out, or
	// where the vendor's page and its deliveries differ.
	Note string `json:"note,omitempty"`

	// Evidence says on what the description of the scheme rests. Default: confirmed.
	Evidence Evidence `json:"evidence,omitempty"`

	// Signature is where the signature is and how it is written.
	Signature Signature `json:"signature"`

	// Algorithm computes the signature. It is never taken from the message. Default: hmac-sha256.
	Algorithm Algorithm `json:"algorithm,omitempty"`

	// Key is how the secret's text becomes the key. Default: utf8.
	Key KeyForm `json:"key,omitempty"`

	// KeyID is where the provider names the key that it signed with, as "header:NAME" or "query:NAME".
	// Then only the secret with that label is tried, and those without a label. Empty means that every
	// secret is.
	KeyID string `json:"key_id,omitempty"`

	// Content is the signed text, a template of literal text and these placeholders:
	//
	//	{body}         the exact bytes of the body, at most once
	//	{timestamp}    the timestamp as it was sent
	//	{header:NAME}  a header field
	//	{query:NAME}   a parameter of the query
	//	{json:PATH}    a value in the JSON body
	//	{http_method}  the request's method
	//	{url}          the public URL of the request: see Options.PublicURL and URLForm
	//	{secret}       the secret, at most once
	//
	// Everything that stands in it is covered by the signature; nothing else is. A value other
	// than the URL must not contain the literal text that parts it from the body (where there is
	// no body, the text that follows it), because then two requests would share one signed text:
	// such a delivery is refused. Where no literal text parts them the provider's own scheme is
	// ambiguous, but for {timestamp}, whose length is known; an id in such a place isn't taken for
	// signed. A URL with a brace or a quote, which a client has to escape, is refused beside a body: it
	// may have a part of a JSON body in it.
	// Default: {body}; nothing for the algorithm equal.
	Content string `json:"content,omitempty"`

	// URLForm is how the URL is written where the content has it. Default: as it was sent.
	URLForm URLForm `json:"url_form,omitempty"`

	// Timestamp is where the time of signing is. Nil means that the scheme signs none; then only
	// a replay store can tell a copy from the original.
	Timestamp *Timestamp `json:"timestamp,omitempty"`

	// ID lists where the delivery's id may be; the first that is there counts. An id that the
	// signature covers also tells a provider's retry from a new delivery. Places that it covers
	// count before others, so that nobody can hide a signed id behind one of their own.
	ID []string `json:"id,omitempty"`

	// Event lists where the name of the event may be; the first that is there counts.
	Event []string `json:"event,omitempty"`

	// Alike says that different deliveries may have the same bytes, so that a copy can't be told from the
	// next one. Then it is better to let copies through than to lose what is new: a route has no replay
	// check unless it asks for one.
	Alike bool `json:"alike,omitempty"`

	// Challenge names what the provider asks of a URL besides deliveries, and how it wants them to be
	// acknowledged, as one of [Challenges]: see [Handshake]. Default: nothing.
	Challenge string `json:"challenge,omitempty"`

	// Alternative is read instead of this scheme when this one's signature is absent and the
	// alternative's is there, as for a provider that sends either of two families of headers. It
	// may differ in the names of headers and parameters, and in its events; in nothing else.
	Alternative *Scheme `json:"alternative,omitempty"`

	// code verifies in place of a template. Only schemes of this package have it: see code.go.
	code *code
}

// Signature is where a scheme's signature stands and how it is written.
type Signature struct {
	// From is the place: "header:NAME", "query:NAME" or "json:PATH".
	From string `json:"from"`

	// List is the shape of the value. Nil means that the whole value is the signature.
	List *List `json:"list,omitempty"`

	// Encoding is how the signature's bytes are written. Default: hex, and plain for the algorithm equal.
	Encoding Encoding `json:"encoding,omitempty"`

	// Repeated says that the provider sends several header fields of this name. Otherwise a
	// second one is refused.
	Repeated bool `json:"repeated,omitempty"`
}

// List is the shape of a signature value that is more than the signature: entries with
// Separator between them, each a key, Assign and a value.
//
//	sha256=…          {Assign: "=", Key: "sha256"}
//	t=…,v1=…,v1=…     {Separator: ",", Assign: "=", Key: "v1"}
//	v1,… v1a,…        {Separator: " ", Assign: ",", Key: "v1"}
//	1/SHA256/…,2/…    {Separator: ",", Assign: "/SHA256/", Key: "*"}
type List struct {
	// Separator stands between the entries. Empty means that there is exactly one entry.
	Separator string `json:"separator,omitempty"`

	// Assign stands between an entry's key and its value.
	Assign string `json:"assign"`

	// Key names the entries that hold signatures. Entries of other names are ignored: they are
	// other versions, and the algorithm comes from the scheme. "*" stands for any name without Assign
	// in it.
	Key string `json:"key"`

	// Ed25519 names the entries that hold Ed25519 signatures, for secrets that are Ed25519 keys:
	// "whpk_" and a public key, which can verify only, or "whsk_" and a private one. It needs a
	// Separator and the key form whsec. Empty means that the scheme has no such signatures.
	Ed25519 string `json:"ed25519,omitempty"`
}

// Timestamp is the time at which a delivery was signed.
type Timestamp struct {
	// From is the place: "header:NAME", "query:NAME", "json:PATH" or "list:KEY".
	From string `json:"from"`

	// Unit is what the number counts, or that it is a date. Default: s.
	Unit Unit `json:"unit,omitempty"`

	// Tolerance is how far the time may lie from now, into the past and into the future.
	// Default: 5 minutes.
	Tolerance time.Duration `json:"tolerance,omitempty"`
}

// Evidence is what a scheme's description rests on.
type Evidence string

// The kinds of evidence.
const (
	// Confirmed means that the vendor's page, its SDK or a delivery of its own says the same.
	Confirmed Evidence = ""
	// Unconfirmed means that the scheme is described as others describe it, and the vendor wasn't found to
	// say so.
	Unconfirmed Evidence = "unconfirmed"
)

// DefaultTolerance is the tolerance of a timestamp whose scheme names none. It is what the
// Standard Webhooks libraries use.
const DefaultTolerance = 5 * time.Minute

// MaxSignatures is how many signatures one delivery may offer.
const MaxSignatures = 16

// MaxPublicKeys is how many public-key signatures are checked of one delivery: each that it offers, under
// each key. It is also how many such keys a verifier may have, to check or to sign,
// because what is signed with more could be checked under none.
const MaxPublicKeys = 4

// clone returns a copy that shares no memory with s.
func (s Scheme) clone() Scheme {
	s.Signature.List = clonePointer(s.Signature.List)
	s.Timestamp = clonePointer(s.Timestamp)
	s.ID = slices.Clone(s.ID)
	s.Event = slices.Clone(s.Event)
	if s.Alternative != nil {
		alternative := s.Alternative.clone()
		s.Alternative = &alternative
	}
	return s
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	copied := *p
	return &copied
}
