package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hookseal/hookseal/verifiers"
)

// edited returns a copy of a scheme, and of its alternatives, with an edit.
func edited(s verifiers.Scheme, edit func(*verifiers.Scheme)) verifiers.Scheme {
	edit(&s)
	if s.Alternative != nil {
		alternative := edited(*s.Alternative, edit)
		s.Alternative = &alternative
	}
	return s
}

// ofScheme changes how the signature is made: what a sender of one's own gets wrong.
func ofScheme(c Case) []variation {
	all := ofUnit(c)
	algorithm := cmp.Or(c.Scheme.Algorithm, verifiers.HMACSHA256)
	isHMAC := strings.HasPrefix(string(algorithm), "hmac-")
	if form := cmp.Or(c.Scheme.Key, verifiers.UTF8); isHMAC && form != verifiers.UTF8 {
		edit := func(name, text, prefix string) variation {
			return variation{Change{OfScheme, name, text}, func(c *Case) bool {
				secret := strings.TrimPrefix(c.Secret(), prefix)
				c.Secret = func() string { return secret }
				c.Scheme = edited(c.Scheme, func(s *verifiers.Scheme) {
					s.Key = verifiers.UTF8
					if s.Signature.List != nil {
						list := *s.Signature.List
						list.Ed25519 = "" // it needs the key form
						s.Signature.List = &list
					}
				})
				return true
			}}
		}
		all = append(all,
			edit("key_not_decoded", "the secret's text is the key that signed, not what it decodes to: the sender has to decode it, or it was decoded here already and has to be given as the provider shows it", ""),
			edit("key_not_decoded", "the secret's text without its prefix is the key that signed, not what it decodes to: the sender has to decode it", symmetric))
	}
	if algorithm != verifiers.Equal {
		is := cmp.Or(c.Scheme.Signature.Encoding, verifiers.Hex)
		for _, encoding := range []verifiers.Encoding{verifiers.Hex, verifiers.Base64, verifiers.Base64URL, verifiers.Base64Escaped} {
			if encoding == is {
				continue
			}
			all = append(all, variation{
				Change{OfScheme, "encoding_" + string(encoding), fmt.Sprintf("the signature is written in %s, and the scheme writes it in %s: the sender has to write it as the scheme does", encoding, is)},
				func(c *Case) bool {
					c.Scheme = edited(c.Scheme, func(s *verifiers.Scheme) { s.Signature.Encoding = encoding })
					return true
				},
			})
		}
	}
	return all
}

// offline returns the presets whose deliveries are verified without asking anybody for a key. The doctor takes a
// delivery for many a provider's, and must not tell them all of it.
func offline() []verifiers.Scheme {
	return slices.DeleteFunc(verifiers.Presets(), verifiers.Scheme.Fetches)
}

// ofProvider takes the delivery for another provider's.
func ofProvider(c Case) []variation {
	var all []variation
	for _, other := range offline() {
		if other.Name == c.Scheme.Name {
			continue
		}
		all = append(all, variation{
			Change{OfProvider, other.Name, fmt.Sprintf("the delivery is signed as %s signs, with this secret: use the provider %s, not %s", other.Title, other.Name, c.Scheme.Name)},
			func(c *Case) bool {
				c.Scheme, c.Tolerance = other, 0
				return true
			},
		})
	}
	return all
}
