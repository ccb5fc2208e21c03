package verifiers

import (
	"errors"
	"fmt"
	"strings"
)

// compileAlternative compiles the alternative of a scheme. What is genuine under one of the two
// must be the same delivery under the other: a copy whose headers are renamed must not verify as
// anything else, nor have another identity.
func (r *rules) compileAlternative(s, alternative *Scheme) (err error) {
	if orDefault(alternative.Algorithm, HMACSHA256) != orDefault(s.Algorithm, HMACSHA256) ||
		orDefault(alternative.Key, UTF8) != orDefault(s.Key, UTF8) {
		return errors.New("alternative: must have the algorithm and key form of the scheme")
	}
	if r.alternative, err = compile(*alternative); err != nil {
		return fmt.Errorf("alternative: %w", err)
	}
	if r.lateSignature || s.URLForm != alternative.URLForm || r.alternative.shape() != r.shape() {
		return errors.New("alternative: must differ in the names of headers and parameters only")
	}
	for a := r.alternative; a != nil; a = a.alternative {
		a.name = r.name
	}
	return nil
}

// shape describes everything of the rules that makes a delivery genuine and gives it an identity,
// with numbers for the names of headers and parameters. JSON paths keep theirs, because the body
// stays what it is.
func (r *rules) shape() string {
	var b strings.Builder
	numbers := make(map[placeKey]int)
	write := func(p *place) {
		if p.inBody() || p.kind == inList {
			fmt.Fprintf(&b, "%v ", p.key())
			return
		}
		key := p.key()
		if _, seen := numbers[key]; !seen {
			numbers[key] = len(numbers)
		}
		fmt.Fprintf(&b, "%v#%d ", p.kind, numbers[key])
	}
	write(&r.signature)
	if r.hasKeyID {
		write(&r.keyID)
	}
	if r.list != nil {
		fmt.Fprintf(&b, "%q ", *r.list)
	}
	fmt.Fprintf(&b, "%s %t %t ", r.encoding, r.repeated, r.content.hasBody)
	for _, parts := range [][]part{r.content.before, r.content.after} {
		for i := range parts {
			if parts[i].kind == placePart {
				write(&parts[i].place)
			} else {
				fmt.Fprintf(&b, "%v%q ", parts[i].kind, parts[i].literal)
			}
		}
		b.WriteString("/ ")
	}
	if r.hasTime {
		write(&r.time)
		fmt.Fprintf(&b, "%s %s ", r.unit, r.tolerance)
	}
	for i := range r.ids {
		write(&r.ids[i].place)
	}
	return b.String()
}
