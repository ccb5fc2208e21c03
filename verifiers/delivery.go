package verifiers

import (
	"fmt"
	"time"
)

// Delivery is what is known of a delivery once its signature and time have been checked.
type Delivery struct {
	// Provider is the name of the scheme.
	Provider string

	// Event is the name of the event, "" when the scheme has none. Whether the signature covers
	// it depends on the scheme: GitHub, for one, sends it in a header that isn't signed.
	Event string

	// ID is the provider's id of the delivery, "" when the scheme has none.
	ID string

	// IDSigned reports whether the signature covers ID.
	IDSigned bool

	// Timestamp is the signed time, zero when the scheme signs none.
	Timestamp time.Time

	// Key is the label of the secret that matched.
	Key string

	// sum is what stands for the delivery when no signed id does: see AppendIdentity.
	sum     [maxSum]byte
	sumSize int
	sumTag  byte
}

// Format writes the exported fields, the same for every verb: the others hold the signature that
// was expected, or what stands for it.
func (d Delivery) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{Provider:%s Event:%q ID:%q IDSigned:%t Timestamp:%s Key:%q}",
		d.Provider, d.Event, d.ID, d.IDSigned, d.Timestamp.Format(time.RFC3339Nano), d.Key)
}

// The tags keep the kinds of identity apart, so that no id can be chosen to equal a sum.
const (
	tagID      = 'i'
	tagMAC     = 'm'
	tagContent = 'c'
	tagBody    = 'b'
)

// AppendIdentity appends to dst the bytes that every copy of the delivery shares and no other
// delivery of the same sender has, built from signed material only:
//
//   - the signed id, where the scheme signs one: a provider's retry keeps it;
//   - else the decoded MAC, where the scheme sends one signature;
//   - else the hash of the signed content, where it may send several and dropping one of them
//     must not make another delivery, and where a public key checks it, because one content may have many
//     such signatures;
//   - of a scheme that sends the secret itself, which signs nothing, the hash of the body. Nothing can be
//     done about who has one delivery, and so the secret; but the sender's own retry is known by it.
func (d *Delivery) AppendIdentity(dst []byte) []byte {
	if d.IDSigned {
		return append(append(dst, tagID), d.ID...)
	}
	return append(append(dst, d.sumTag), d.sum[:d.sumSize]...)
}
