package caddymodule

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// secretFlag says where a command finds its secret: in an environment variable or a file, never in an
// argument, which everybody on the machine can see.
type secretFlag struct{ env, file string }

func (s *secretFlag) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.env, "secret-env", "", "The `name` of the environment variable that holds the secret")
	flags.StringVar(&s.file, "secret-file", "", "The `path` of the file that holds the secret")
}

// given reports whether one is named.
func (s *secretFlag) given() bool { return s.env != "" || s.file != "" }

// text reads the secret.
func (s *secretFlag) text() (string, error) {
	if (s.env == "") == (s.file == "") {
		return "", errors.New("name the secret with one of --secret-env and --secret-file")
	}
	if s.env != "" {
		text := os.Getenv(s.env)
		if text == "" {
			// The name isn't repeated: it may be the secret, put there by mistake.
			return "", errors.New("the environment variable that --secret-env names is not set or empty")
		}
		return text, nil
	}
	text, err := os.ReadFile(s.file)
	if err != nil {
		return "", err
	}
	// As Caddy reads {file.…}: without the line break at the end.
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}
