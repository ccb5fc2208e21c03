package verifiers

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// adyen verifies Adyen's webhooks of payments, whose body has one signature in each of its items, over
// eight values of that item. The delivery is genuine when every item is.
//
// Source: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
type adyen struct{}

// maxItems bounds the items of one delivery. Adyen sends one in JSON.
const maxItems = MaxSignatures

// adyenItems leads to the items.
var adyenItems, _ = jsonpath.ParsePattern("notificationItems.*.NotificationRequestItem")

// adyenPaths lead to the signature of an item, and to the values that it covers, in their order.
var adyenPaths = func() (paths jsonpath.Paths) {
	for _, text := range []string{
		"additionalData.hmacSignature",
		"pspReference", "originalReference", "merchantAccountCode", "merchantReference",
		"amount.value", "amount.currency", "eventCode", "success",
	} {
		path, err := jsonpath.ParsePath(text)
		if err != nil {
			panic(err)
		}
		paths = append(paths, path)
	}
	return paths
}()

// merchantReference is its index among adyenPaths.
const merchantReference = 4

func openAdyen(setup) (engine, error) { return adyen{}, nil }

func (adyen) head(*Check) error { return nil }

func (adyen) verify(c *Check, body []byte) (Delivery, error) {
	var all Delivery
	var texts [][]byte
	err := adyenItems.Each(body, func(item jsonpath.Value) error {
		if len(texts) == maxItems {
			return ErrTooManySignatures
		}
		text, signature, err := adyenText(item)
		if err != nil {
			return err
		}
		c.signatures = c.signatures[:0]
		if err := c.addSignatures([]string{signature}); err != nil {
			return err
		}
		c.setText(text, nil, false)
		d, err := c.match(nil)
		if len(texts) == 0 {
			all = d
		}
		texts = append(texts, text)
		return err
	})
	switch {
	case errors.Is(err, ErrNotGenuine):
		return Delivery{}, err
	case errors.Is(err, jsonpath.ErrAmbiguous):
		return Delivery{}, ErrFieldRepeated
	case err != nil || len(texts) == 0:
		return Delivery{}, ErrSignatureMissing
	}
	if len(texts) == 1 {
		return all, nil
	}
	// The order of the items is nobody's: a copy in another one is the same delivery.
	slices.SortFunc(texts, bytes.Compare)
	if len(slices.CompactFunc(slices.Clone(texts), bytes.Equal)) < len(texts) {
		return Delivery{}, ErrFieldRepeated
	}
	sum := sha256.Sum256(bytes.Join(texts, []byte{'\n'}))
	all.identify(tagContent, sum[:])
	return all, nil
}

// adyenText returns the signed text of an item and its signature. A value that isn't there is empty. Only
// the merchant's own reference may have the colon that stands between them, so that it is certain what
// the text says.
func adyenText(item jsonpath.Value) (text []byte, signature string, err error) {
	found := make([]jsonpath.Found, len(adyenPaths))
	adyenPaths.Find(item.Raw(), found)
	for i := range found {
		value, err := adyenValue(found[i])
		switch {
		case i == 0 && err == ErrFieldMissing:
			return nil, "", ErrSignatureMissing
		case err != nil:
			return nil, "", err
		case i == 0:
			signature = value
			continue
		case i != merchantReference && strings.Contains(value, ":"):
			return nil, "", ErrFieldAmbiguous
		}
		if i > 1 {
			text = append(text, ':')
		}
		text = append(text, value...)
	}
	return text, signature, nil
}

// adyenValue returns a value of an item as it stands in the signed text: null is as good as nothing, and
// anything that isn't a single value is refused, because a reader of the item would take it for something.
func adyenValue(found jsonpath.Found) (string, error) {
	switch {
	case errors.Is(found.Err, jsonpath.ErrAmbiguous):
		return "", ErrFieldRepeated
	case errors.Is(found.Err, jsonpath.ErrMissing):
		return "", nil
	case found.Err != nil:
		return "", ErrFieldMissing
	}
	if null, err := found.Value.IsNull(); null && err == nil {
		return "", nil
	}
	text, err := found.Value.Scalar()
	if err != nil {
		return "", ErrFieldMissing
	}
	return text, nil
}
