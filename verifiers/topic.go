package verifiers

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// topic is a topic of Amazon SNS.
type topic struct {
	arn  string
	host string // of its region's API
}

// topicARN is what a topic's ARN looks like: partition, region, account and name.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html
var topicARN = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,251}(?:\.fifo)?$`)

func parseTopic(arn string) (topic, error) {
	parts := topicARN.FindStringSubmatch(arn)
	if parts == nil {
		return topic{}, fmt.Errorf("topic %q: write the ARN of an SNS topic, such as arn:aws:sns:eu-central-1:123456789012:orders", arn)
	}
	host := "sns." + parts[2] + ".amazonaws.com"
	if parts[1] == "aws-cn" {
		host += ".cn"
	}
	return topic{arn, host}, nil
}

// confirmation returns the URL that confirms a subscription. It is made of the configured ARN, and only
// the token is the message's: where the request goes, and for which topic, nobody else decides.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
func (t topic) confirmation(token string) string {
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {t.arn}, "Token": {token}, "Version": {"2010-03-31"}}
	return "https://" + t.host + "/?" + query.Encode()
}

// snsTopic confirms subscriptions to the configured topics, and refuses what comes from others. Without
// any nothing is confirmed, and the scheme's secrets alone say whose messages are let in.
func snsTopic(h *Handshake, _ *Check, body []byte) (Answer, error) {
	if len(h.topics) == 0 {
		return Answer{}, ErrNoChallenge
	}
	arn := stringAt(pathTopic, body)
	at := slices.IndexFunc(h.topics, func(t topic) bool { return t.arn == arn })
	switch kind := stringAt(pathSNSType, body); {
	case at < 0:
		return Answer{}, ErrTopicNotAllowed
	case kind != "SubscriptionConfirmation":
		return Answer{}, ErrNoChallenge
	}
	token := stringAt(pathSNSToken, body)
	if !isToken(token) {
		return Answer{}, ErrChallengeMalformed
	}
	return Answer{Status: http.StatusOK, Confirm: h.topics[at].confirmation(token)}, nil
}
