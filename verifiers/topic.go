package verifiers

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// topic is a topic of Amazon SNS whose messages are accepted, or all topics of an account in a region.
type topic struct {
	*keyed
	arn  string // without the * that stands for all names
	all  bool
	host string // of SNS in its region
}

// topicARN is what the ARN of a topic looks like: partition, region, account and name.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html
var topicARN = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:(?:\*|[A-Za-z0-9_-]{1,256}(?:\.fifo)?)$`)

// parseTopic reads the ARN of a topic, or of an account's with * in place of the name.
func parseTopic(text string) (topic, error) {
	parts := topicARN.FindStringSubmatch(text)
	if parts == nil {
		return topic{}, fmt.Errorf("%w: expected the ARN of a topic, such as arn:aws:sns:us-east-1:123456789012:MyTopic, or * for its last part", ErrSecretForm)
	}
	t := topic{host: "sns." + parts[2] + ".amazonaws.com"}
	if parts[1] == "aws-cn" {
		t.host += ".cn"
	}
	t.arn, t.all = strings.CutSuffix(text, "*")
	return t, nil
}

// has reports whether a message that says it is of a topic may be let in.
func (t topic) has(arn string) bool {
	if t.all {
		return strings.HasPrefix(arn, t.arn) && topicARN.MatchString(arn)
	}
	return arn == t.arn
}

// confirmation returns the URL that confirms a subscription to a topic that t has. Where the request goes
// comes from the configured ARN; SubscribeURL, which the message has for that, is not read.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
func (t topic) confirmation(arn, token string) string {
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {arn}, "Token": {token}, "Version": {"2010-03-31"}}
	return "https://" + t.host + "/?" + query.Encode()
}

// confirmSubscription confirms a subscription to one of the topics whose messages are accepted, which the engine has
// found.
func confirmSubscription(_ *Handshake, c *Check, body []byte) (Answer, error) {
	t, ok := c.state.(topic)
	if !ok || stringAt(pathSNSType, body) != "SubscriptionConfirmation" {
		return Answer{}, ErrNoChallenge
	}
	token := stringAt(pathSNSToken, body)
	if !isToken(token) {
		return Answer{}, ErrChallengeMalformed
	}
	return Answer{Status: http.StatusOK, Confirm: t.confirmation(stringAt(pathTopic, body), token)}, nil
}
