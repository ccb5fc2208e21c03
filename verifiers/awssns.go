package verifiers

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// awsSNS verifies what Amazon SNS sends to HTTP endpoints. Signature and certificate stand in the body: the
// signature is over some of its members, by their names in order, and SigningCertURL says where the
// certificate is, which must be a host of SNS.
//
// SNS signs for everybody who has a topic there. So the secrets are the topics whose messages are accepted, and
// whose subscriptions are confirmed: the ARN of one, or of an account's topics with * in place of the name. They
// also say which region's host has the certificate, as in Amazon's own libraries.
//
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
type awsSNS struct {
	keys      *KeySource
	topics    []topic
	allowWeak bool
}

// snsCertificates are where SNS has its certificates, and for whom they are. The host has to be that of the topic's
// region besides. The region is written as regions are: sns.s3-us-west-2.amazonaws.com is somebody's bucket, see
// https://github.com/nathforge/validatesns/issues/6. The names are those that
// https://github.com/aws/aws-sdk-java-v2 has in SnsHostProvider, such as sns.amazonaws.com,
// sns-signing.eu-south-1.amazonaws.com, sns-us-gov-west-1.amazonaws.com and sns-cn-north-1.amazonaws.com.cn.
var snsCertificates = certificateRules{
	where: regexp.MustCompile(`^https://sns\.[a-z]{2}(-[a-z]+)+-[0-9]{1,2}\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem$`),
	names: regexp.MustCompile(`^sns(-signing)?([.-][a-z0-9-]{3,32})?\.amazonaws\.com(\.cn)?$`),
}

func openSNS(s setup) (engine, error) {
	e := awsSNS{keys: s.keySource(), allowWeak: s.options.AllowWeak}
	for i, secret := range s.secrets {
		t, err := parseTopic(string(secret.secret))
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		t.keyed = secret
		e.topics = append(e.topics, t)
	}
	return e, nil
}

// The members of a message that are read. Those up to Type may be signed, and stand in the order in which they are.
const (
	snsMessage = iota
	snsMessageID
	snsSubject
	snsSubscribeURL
	snsTimestamp
	snsToken
	snsTopicARN
	snsType
	snsSignatureVersion
	snsSignature
	snsCertURL
)

var (
	snsNames = []string{
		"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
		"SignatureVersion", "Signature", "SigningCertURL",
	}
	snsPaths = mustPaths(snsNames...)
)

// What messages of a type have signed. Subject is signed if it is there.
var (
	snsNotification = []int{snsMessage, snsMessageID, snsSubject, snsTimestamp, snsTopicARN, snsType}
	snsConfirmation = []int{snsMessage, snsMessageID, snsSubscribeURL, snsTimestamp, snsToken, snsTopicARN, snsType}
)

func (awsSNS) head(*Check) error { return nil }

func (e awsSNS) verify(c *Check, body []byte) (Delivery, error) {
	members, err := snsMembers(body)
	if err != nil {
		return Delivery{}, err
	}
	hash, err := e.algorithm(members)
	if err != nil {
		return Delivery{}, err
	}
	signature, ok := c.rules.encoding.decodeAny(members[snsSignature].text, maxSignature)
	if !ok {
		return Delivery{}, ErrSignatureMalformed
	}
	text, err := snsText(c.text[:0], members)
	if err != nil {
		return Delivery{}, err
	}
	c.text = text
	c.stamp = members[snsTimestamp].text
	signed, err := c.rules.unit.parse(c.stamp)
	if err != nil {
		return Delivery{}, err
	}
	if err := c.fresh(signed); err != nil {
		return Delivery{}, err
	}
	now := c.verifier.now()
	at := slices.IndexFunc(e.topics, func(t topic) bool { return t.usedAt(now) && t.has(members[snsTopicARN].text) })
	if at < 0 {
		return Delivery{}, ErrTopicNotAllowed
	}
	url := members[snsCertURL].text
	if !strings.HasPrefix(url, "https://"+e.topics[at].host+"/") {
		return Delivery{}, ErrKeyUnknown
	}
	query, err := snsCertificates.query(e.keys, url)
	if err != nil {
		return Delivery{}, err
	}
	if err := verifyFetched(c, e.keys, query, hash, text, signature); err != nil {
		return Delivery{}, err
	}
	c.state = e.topics[at]
	d := Delivery{Timestamp: signed, Key: e.topics[at].label}
	sum := sha256.Sum256(text)
	d.identify(tagContent, sum[:])
	return d, nil
}

// verifyFetched checks an RSA signature of a text under a certificate's key, which is fetched if it isn't known.
func verifyFetched(c *Check, keys *KeySource, query keyQuery, hash crypto.Hash, text, signature []byte) error {
	query.peer = c.request.Peer
	key, err := keys.key(c.request.context(), query)
	if err != nil {
		return err
	}
	h := hash.New()
	h.Write(text)
	if rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), hash, h.Sum(c.sum[:0]), signature) != nil {
		return ErrSignatureMismatch
	}
	keys.prove(query)
	return nil
}

// algorithm returns the hash of the message's signature. The version isn't signed, so it may only choose among
// what the configuration allows.
func (e awsSNS) algorithm(members []foundText) (crypto.Hash, error) {
	if members[snsSignature].err == ErrFieldMissing || members[snsSignature].text == "" {
		return 0, ErrSignatureMissing
	}
	switch version := members[snsSignatureVersion]; {
	case version.text == "2":
		return crypto.SHA256, nil
	case version.text == "1" && e.allowWeak:
		return crypto.SHA1, nil
	case version.text == "1":
		return 0, ErrSignatureWeak
	}
	return 0, ErrSignatureMalformed
}

// snsMembers returns the members of a message. None may stand twice, nor a second time in another case: readers
// that don't tell cases apart would take the one that isn't signed.
func snsMembers(body []byte) ([]foundText, error) {
	message, err := jsonpath.Parse(body)
	if err != nil || message.Kind() != jsonpath.Object {
		return nil, ErrSignatureMissing
	}
	err = message.EachMember(func(name string, _ jsonpath.Value) error {
		for _, known := range snsNames {
			if name != known && strings.EqualFold(name, known) {
				return ErrFieldRepeated
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrNotGenuine):
		return nil, err
	case errors.Is(err, jsonpath.ErrAmbiguous):
		return nil, ErrFieldRepeated
	case err != nil:
		return nil, ErrSignatureMissing
	}
	members := snsPaths.texts(body)
	for i, m := range members {
		// A number would have the text of a string, and be something else to who reads it.
		if m.err == ErrFieldRepeated || m.err == nil && m.kind != jsonpath.String {
			return nil, ErrFieldRepeated
		}
		if i != snsMessage && strings.Contains(m.text, "\n") {
			return nil, ErrFieldAmbiguous
		}
	}
	return members, nil
}

// snsText appends the signed text of a message: name and value of each member, with a line feed behind each. Only
// the message may have line feeds of its own. It comes first, so that the text, read from its end, says one
// thing only.
func snsText(text []byte, members []foundText) ([]byte, error) {
	var signed []int
	switch members[snsType].text {
	case "Notification":
		signed = snsNotification
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		signed = snsConfirmation
	default:
		return nil, ErrFieldMissing
	}
	for _, i := range signed {
		m := members[i]
		switch {
		case m.err == ErrFieldMissing && i == snsSubject:
			continue
		case m.err == ErrFieldMissing && i == snsTimestamp:
			return nil, ErrTimestampMissing
		case m.err != nil:
			return nil, m.err
		}
		text = append(append(text, snsNames[i]...), '\n')
		text = append(append(text, m.text...), '\n')
	}
	return text, nil
}
