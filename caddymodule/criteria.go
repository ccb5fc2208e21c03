package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/pflag"

	"github.com/hookseal/hookseal/internal/capture"
	"github.com/hookseal/hookseal/internal/doctor"
	"github.com/hookseal/hookseal/verifiers"
)

// criteriaFlags say by what a captured delivery is judged: a provider and a secret, or a route of a Caddyfile.
type criteriaFlags struct {
	provider, label, publicURL, keyFile string
	config, route                       string
	secret                              secretFlag
	tolerance                           time.Duration
}

func (f *criteriaFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.provider, "provider", "", "The `name` of the provider: see \"webhook providers\"")
	f.secret.add(flags)
	flags.StringVar(&f.config, "config", "", "The `path` of a Caddyfile that has the provider, the secrets and the options, in place of --provider")
	flags.StringVar(&f.route, "route", "", "The `name` of the webhook_verify in the Caddyfile (default: the one that the delivery's path leads to)")
	flags.StringVar(&f.label, "label", "", "The secret's `label`, for providers that name their key")
	flags.StringVar(&f.publicURL, "public-url", "", "The `URL` of the route's public_url, for schemes that sign it (default: where the delivery was sent to)")
	flags.StringVar(&f.keyFile, "key-file", "", "The `path` of the certificate or JSON Web Key that aws-sns, paypal or plaid signs with, in place of fetching it")
	flags.DurationVar(&f.tolerance, "tolerance", 0, "How far the signed time may lie from the time to judge by (default: the provider's)")
}

// criteria are what a delivery is judged by.
type criteria struct {
	// route has the options of the gateway. It is the defaults' where no Caddyfile is named.
	route   *Verify
	named   bool // it stands in a Caddyfile
	scheme  verifiers.Scheme
	secrets []judgedSecret
	keys    *verifiers.KeySource
}

// judgedSecret is one secret that is tried.
type judgedSecret struct {
	SecretSource
	text func() string
}

// check finds flags that make no sense together, and a secret that isn't named.
func (f *criteriaFlags) check() error {
	switch {
	case f.config == "" && f.route != "":
		return errors.New("--route is one of the Caddyfile that --config names")
	case f.config != "" && f.provider != "":
		return errors.New("give --provider, or --config, which has the provider")
	case f.config != "" && !f.secret.given():
		return nil
	case f.config == "" && f.provider == "":
		return errors.New("name the provider with --provider, or give --config, a Caddyfile that has it; " + presetList)
	case f.config == "":
		if _, ok := verifiers.Preset(f.provider); !ok {
			return fmt.Errorf("--provider %q is unknown: %s, or name a Caddyfile that describes it with --config", f.provider, presetHint(f.provider))
		}
	}
	_, err := f.secret.text()
	return err
}

// criteria reads what the flags name.
func (f *criteriaFlags) criteria(request capture.Request) (*criteria, error) {
	c := &criteria{route: &Verify{Provider: f.provider}}
	if f.config != "" {
		route, err := routeNamed(f.config, f.route, request)
		if err != nil {
			return nil, err
		}
		c.route, c.named = route, true
	}
	c.route.setDefaults()
	var err error
	if c.scheme, err = schemeOf("provider", c.route.Provider, c.route.Scheme); err != nil {
		return nil, err
	}
	c.route.PublicURL = cmp.Or(f.publicURL, c.route.PublicURL)
	if f.tolerance != 0 {
		c.route.Tolerance = caddy.Duration(f.tolerance)
	}
	if f.tolerance < 0 || f.tolerance > 0 && c.scheme.Timestamp == nil {
		return nil, fmt.Errorf("--tolerance must be above zero, and %s must sign a time", c.scheme.Name)
	}
	if err := c.readSecrets(f); err != nil {
		return nil, err
	}
	c.keys, err = keysFrom(f.keyFile, c.scheme)
	return c, err
}

// routeNamed returns the webhook_verify of a name, or the one that the delivery's path leads to.
func routeNamed(config, name string, request capture.Request) (*Verify, error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	a, err := adaptFile(config, text)
	if err != nil {
		return nil, err
	}
	all := a.verifies()
	var names []string
	for _, v := range all {
		if v.Name == name || name == "" && len(all) == 1 {
			return v, nil
		}
		names = append(names, v.Name)
	}
	if name == "" {
		path, _, _ := strings.Cut(request.Target, "?")
		if found := a.find(path, hostname(request)); len(found.verifies) == 1 {
			return found.verifies[0], nil
		}
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s has no webhook_verify", config)
	case name == "":
		return nil, fmt.Errorf("name the webhook_verify with --route: %s", either(names))
	}
	return nil, fmt.Errorf("--route %q is none of %s", name, either(names))
}

// readSecrets reads the secret of the flags, or those of the route.
func (c *criteria) readSecrets(f *criteriaFlags) error {
	if !c.named || f.secret.given() {
		text, err := f.secret.text()
		if err != nil {
			return err
		}
		c.secrets = []judgedSecret{{SecretSource{Label: f.label}, func() string { return text }}}
		return nil
	}
	if len(c.route.Secrets) == 0 {
		return errNoSecret
	}
	replacer := caddy.NewReplacer()
	for i, source := range c.route.Secrets {
		text, err := source.read(replacer, c.scheme.NamesReceiver())
		if err != nil {
			return fmt.Errorf("secret %d: %w: set it, or give the secret with --secret-env or --secret-file", i+1, err)
		}
		c.secrets = append(c.secrets, judgedSecret{source, func() string { return text }})
	}
	return nil
}

// keysFrom returns the keys that a scheme fetches, the one of a file if that is named.
func keysFrom(file string, scheme verifiers.Scheme) (*verifiers.KeySource, error) {
	switch {
	case file == "":
		return verifiers.NewKeySource(verifiers.KeySourceOptions{}), nil
	case !scheme.Fetches():
		return nil, fmt.Errorf("--key-file: %s signs with no key that is fetched: give its secret or public key with --secret-file", scheme.Name)
	}
	text, err := readBounded(nil, file)
	if err != nil {
		return nil, err
	}
	return verifiers.NewKeySource(verifiers.KeySourceOptions{Known: map[string]string{verifiers.AnyKey: string(text)}}), nil
}

// examine judges a delivery under each of the secrets, and returns what was found with the one that says most,
// and its number.
func (c *criteria) examine(request capture.Request, now time.Time) (best doctor.Report, number int) {
	for i, secret := range c.secrets {
		r := doctor.Examine(doctor.Case{
			Scheme: c.scheme, Secret: secret.text, Label: secret.Label, NotBefore: secret.NotBefore, NotAfter: secret.NotAfter, Keys: c.keys,
			Method: request.Method, Header: request.Header, Body: request.Body, Target: request.Target,
			// Schemes that sign no URL need none.
			PublicURL: cmp.Or(c.route.PublicURL, publicURL(request), "https://localhost"),
			Now:       now, Tolerance: time.Duration(c.route.Tolerance),
		})
		if i == 0 || informative(r) > informative(best) {
			best, number = r, i+1
		}
	}
	return best, number
}

// informative is how much a report says.
func informative(r doctor.Report) int {
	switch {
	case r.Genuine:
		return 2
	case len(r.Causes) > 0:
		return 1
	}
	return 0
}

// refuses says why the route of a Caddyfile would not let in a delivery that is genuine, as the gateway's log would,
// and in words; nothing if it would, or if no route is named. What a route has to be told stands in the
// report's hints.
func (c *criteria) refuses(request capture.Request, now time.Time) (reason, text string) {
	if !c.named {
		return "", ""
	}
	if !slices.Contains(c.route.Methods, request.Method) {
		return reasonMethod, c.needsMethod(request)
	}
	if int64(len(request.Body)) > c.route.MaxBody {
		return reasonBodyTooLarge, fmt.Sprintf("the body has %d bytes, and max_body is %d", len(request.Body), c.route.MaxBody)
	}
	v, err := verifiers.New(c.scheme, c.verifierSecrets(), verifiers.Options{
		Now: func() time.Time { return now }, Tolerance: time.Duration(c.route.Tolerance), PublicURL: c.route.PublicURL,
		AllowShort: c.route.AllowShort, AllowWeak: c.route.AllowWeak, Keys: c.keys,
	})
	if err != nil {
		return "configuration", "the gateway doesn't load the route: " + err.Error()
	}
	check, err := v.Check(verifiers.Request{Method: request.Method, Header: doctor.Unfolded(request.Header), Target: request.Target})
	if err == nil {
		defer check.Close()
		_, err = check.Verify(request.Body)
	}
	if err != nil {
		return reasonOf(err), err.Error()
	}
	return "", ""
}

// verifierSecrets returns the secrets with their labels and times.
func (c *criteria) verifierSecrets() (all []verifiers.Secret) {
	for _, s := range c.secrets {
		secret := verifiers.NewSecret(s.Label, s.text())
		secret.NotBefore, secret.NotAfter = s.NotBefore, s.NotAfter
		all = append(all, secret)
	}
	return all
}

func (c *criteria) needsMethod(request capture.Request) string {
	return fmt.Sprintf("the delivery is a %s: the route needs methods %s", request.Method, request.Method)
}

// notes says what a route has to be told where no Caddyfile does, and what else is odd.
func (c *criteria) notes(request capture.Request, r doctor.Report, number int) (all []string) {
	all = request.Notes
	if c.scheme.Fetches() && r.Reason == reasonUnchecked {
		all = append(all, "the key is fetched from "+c.scheme.Title+": where that can't be reached, or has another certificate by now, give the key with --key-file")
	}
	if !c.named && !slices.Contains(c.route.Methods, request.Method) {
		all = append(all, c.needsMethod(request))
	}
	if !r.Genuine && isChallenge(c.scheme, c.verifierSecrets(), verifiers.Request{Method: request.Method, Header: doctor.Unfolded(request.Header), Target: request.Target}, request.Body) {
		all = append(all, "this is no delivery: "+c.scheme.Title+" tries the URL by it, and the gateway answers that by itself")
	}
	if len(c.secrets) > 1 {
		all = append(all, fmt.Sprintf("secret %d of the %d of the route is the one that this is about", number, len(c.secrets)))
	}
	return all
}
