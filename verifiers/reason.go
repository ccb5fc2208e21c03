package verifiers

import "errors"

// ErrNotGenuine is what every refusal of a delivery matches with errors.Is. An error that
// doesn't match it means that the delivery could not be checked.
var ErrNotGenuine = errors.New("delivery is not genuine")

// The refusals. Each has a reason from a closed list, see [Reasons]; none says anything of the
// delivery, the expected signature or the secret.
var (
	ErrSignatureMissing   = refuse("signature_missing", "no signature")
	ErrSignatureMalformed = refuse("signature_malformed", "signature is not written as the scheme writes it")
	ErrSignatureMismatch  = refuse("signature_mismatch", "signature does not match")
	ErrTooManySignatures  = refuse("too_many_signatures", "more signatures than may be offered")
	ErrTimestampMissing   = refuse("timestamp_missing", "no timestamp")
	ErrTimestampMalformed = refuse("timestamp_malformed", "timestamp is not written as the scheme writes it")
	ErrTimestampTooOld    = refuse("timestamp_too_old", "signed too long ago")
	ErrTimestampTooNew    = refuse("timestamp_too_new", "signed too far in the future")
	ErrFieldMissing       = refuse("field_missing", "a signed field is missing")
	ErrFieldRepeated      = refuse("field_repeated", "a field that must be single stands several times")
	ErrKeyUnknown         = refuse("key_unknown", "none of the keys is the one that the delivery names")
	ErrSignatureWeak      = refuse("signature_weak", "signature rests on SHA-1, which isn't allowed")
	ErrFieldAmbiguous     = refuse("field_ambiguous", "a signed field contains its separator")
	ErrChallengeMalformed = refuse("challenge_malformed", "challenge is not written as the provider writes it")
	ErrChallengeRefused   = refuse("challenge_refused", "challenge does not show that it comes from the provider")
	ErrChallengeText      = refuse("challenge_text", "body is one that anybody can have signed by the handshake")
	ErrTopicNotAllowed    = refuse("topic_not_allowed", "topic is none of those that are let in")
)

// refusals are all errors above, in the order in which a check meets them.
var refusals []*refusal

// refusal is one reason to refuse a delivery.
type refusal struct{ reason, text string }

func refuse(reason, text string) error {
	r := &refusal{reason, text}
	refusals = append(refusals, r)
	return r
}

func (r *refusal) Error() string { return r.text }

// Is makes every refusal match ErrNotGenuine.
func (r *refusal) Is(target error) bool { return target == ErrNotGenuine }

// ReasonOf returns the reason of a refusal, and "" of any other error.
func ReasonOf(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return ""
}

// Reasons returns every reason that ReasonOf can give.
func Reasons() []string {
	all := make([]string, len(refusals))
	for i, r := range refusals {
		all[i] = r.reason
	}
	return all
}
