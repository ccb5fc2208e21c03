package verifiers

import (
	"strings"
	"testing"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// FuzzAnItemCanBeReadFromItsText: the signed text of an item says what its values are: three in front, four
// behind and the merchant's reference between them, whatever is in it.
func FuzzAnItemCanBeReadFromItsText(f *testing.F) {
	for _, v := range readVectors(f, "adyen") {
		_ = adyenItems.Each(v.body(), func(item jsonpath.Value) error {
			f.Add(item.Raw())
			return nil
		})
	}
	f.Add([]byte(`{"merchantReference":"a:b:c:","amount":{"value":-1e3},"success":true}`))
	f.Fuzz(func(t *testing.T, item []byte) {
		value, err := jsonpath.Parse(item)
		if err != nil {
			return
		}
		text, _, err := adyenText(value)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatal(err)
			}
			return
		}
		parts := strings.Split(string(text), ":")
		if len(parts) < len(adyenPaths)-1 {
			t.Fatalf("%q", text)
		}
		read := append(append(parts[:3:3], strings.Join(parts[3:len(parts)-4], ":")), parts[len(parts)-4:]...)
		found := make([]jsonpath.Found, len(adyenPaths))
		adyenPaths.Find(item, found)
		for i, want := range read {
			if got, err := adyenValue(found[i+1]); err != nil || got != want {
				t.Errorf("%s: %q in the text, %q in the item, %v", adyenPaths[i+1], want, got, err)
			}
		}
	})
}
