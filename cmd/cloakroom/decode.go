package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/flask"
)

type decodeCmd struct {
	File []string `arg:"" optional:"" help:"A file with the cookie or record. Without one, or with -, it comes from standard input."`

	FlaskConfig string        `type:"path" placeholder:"FILE" help:"The configuration of the Flask application, a .toml or .json file: its SECRET_KEY, SECRET_KEY_FALLBACKS, PERMANENT_SESSION_LIFETIME and SESSION_COOKIE_NAME. The environment's win."`
	SecretFile  string        `type:"path" placeholder:"FILE" help:"A file with secrets as they are, one a line: SECRET_KEY, then SECRET_KEY_FALLBACKS."`
	Lifetime    time.Duration `placeholder:"DURATION" help:"How long a cookie is valid, instead of PERMANENT_SESSION_LIFETIME."`
}

// Help is the text of `cloakroom decode --help`.
func (decodeCmd) Help() string {
	return `Shows Flask's session cookie, a file of cachelib or store/filestore, a record in MessagePack, JSON or pickle, ` +
		`the mark that an ended session leaves in the place of its record, or the record that lists a user's sessions, as JSON. ` +
		`What is known about it goes to stderr. No secret is needed to look; with one, it is said who signed the cookie.

What JSON lacks is an object with one name: {"$tuple": [1, 2]}, {"$datetime": "2024-02-29T12:34:56Z"}, and likewise ` +
		`$set, $frozenset, $bytes and $bytearray (base64), $date, $time, $timedelta, $timezone, $markup, $uuid, $decimal, $float, $complex, $ext, $unread. ` +
		`A key that is no text is its JSON behind a $; text that begins with $ has another one before it as a key.

Cookies and secrets are never arguments, which everybody on the computer can see and the shell keeps. ` +
		`FLASK_SECRET_KEY and the like are taken from the environment.

It exits with 1 if there is nothing to show, or if none of the secrets made the signature.`
}

// Validate refuses durations that make no sense.
func (d *decodeCmd) Validate() error {
	if d.Lifetime < 0 || d.Lifetime > 0 && d.Lifetime < time.Second {
		return errors.New("--lifetime must be at least 1s")
	}
	return nil
}

// Run shows what is in the file.
func (d *decodeCmd) Run(s streams) error {
	data, err := d.read(s)
	if err != nil {
		return err
	}
	cfg, err := d.config(s)
	if err != nil {
		return err
	}
	in, err := flask.Inspect(data, cfg)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.out, "%s\n", in.JSON); err != nil {
		return err
	}
	remarks{in, time.Now(), cfg.Lifetime, d.lifetimeKnown()}.print(s.err)
	if in.Signature == flask.SignatureBad {
		return errors.New("the signature is bad")
	}
	return nil
}

var errArgument = usageError{hint(errors.New("decode takes the name of a file, and there is none of that name; "+
	"a cookie on the command line is seen by everybody on this computer, and stays in the shell's history"),
	"run cloakroom decode alone and paste it")}

func (d *decodeCmd) read(s streams) ([]byte, error) {
	if len(d.File) > 1 {
		return nil, usageError{errors.New("decode takes one file")}
	}
	if len(d.File) == 0 || d.File[0] == "-" {
		if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintln(s.err, "Paste the cookie, then press Enter and Ctrl-D:")
		}
		return readBounded(os.Stdin)
	}
	f, err := os.Open(d.File[0])
	switch {
	case err != nil && looksSecret(d.File[0]):
		return nil, errArgument
	case errors.Is(err, fs.ErrNotExist):
		return nil, usageError{fmt.Errorf("there is no file %s", d.File[0])}
	case err != nil:
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

func readBounded(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, flask.MaxInspected+1)) // Inspect says what is wrong with the rest
}

var secretText = regexp.MustCompile(`=|^[^/]*\.[^/]*\.|^[^/]{36,}$`)

// looksSecret reports whether a name that names no file may be a cookie or an
// ID, signed or not, and must not be shown. A UUID has 36 characters; the names
// of cachelib's files have 32.
func looksSecret(arg string) bool { return secretText.MatchString(arg) || len(arg) > 255 }

// config finds what there is to know about the application.
func (d *decodeCmd) config(s streams) (flask.Config, error) {
	var sources []flask.Source
	if d.FlaskConfig != "" {
		source, err := flaskConfigFile(d.FlaskConfig)
		if err != nil {
			return flask.Config{}, err
		}
		sources = append(sources, source)
	}
	sources = append(sources, flask.FromEnv(relevant(os.Environ())))
	cfg, err := flask.InspectConfig(sources...)
	if err != nil {
		return cfg, err
	}
	if d.SecretFile != "" {
		secrets, err := d.secrets(s)
		if err != nil {
			return cfg, err
		}
		cfg.SecretKey, cfg.SecretKeyFallbacks = secrets[0], secrets[1:]
	}
	if d.Lifetime != 0 {
		cfg.Lifetime = d.Lifetime
	}
	return cfg, nil
}

// relevantNames are the keys that decoding looks at.
var relevantNames = []string{"SECRET_KEY", "SECRET_KEY_FALLBACKS", "PERMANENT_SESSION_LIFETIME", "SESSION_COOKIE_NAME"}

// relevant returns those variables that hold one of the keys: a mistake in
// another one is nothing to stumble over here, and an empty one hides no secret
// of the configuration.
func relevant(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(line string) bool {
		name, value, _ := strings.Cut(line, "=")
		return value == "" || !slices.Contains(relevantNames, strings.TrimPrefix(name, "FLASK_"))
	})
}

// lifetimeKnown reports whether somebody has said how long cookies live.
func (d *decodeCmd) lifetimeKnown() bool {
	for _, line := range relevant(os.Environ()) {
		if name, _, _ := strings.Cut(line, "="); strings.HasSuffix(name, "PERMANENT_SESSION_LIFETIME") {
			return true
		}
	}
	return d.Lifetime != 0 || d.FlaskConfig != ""
}

// secrets reads --secret-file. Its errors do not name the file, which may be a
// secret that somebody took for an argument.
func (d *decodeCmd) secrets(s streams) ([]flask.Secret, error) {
	f, err := os.Open(d.SecretFile)
	if err != nil {
		return nil, usageError{hint(errors.New("--secret-file: it cannot be opened"), "name a file with the secrets, one a line")}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(s.err, "Note: other users of this computer can read or change the secrets in %s\n", d.SecretFile)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", errors.Unwrap(err))
	}
	var secrets []flask.Secret
	for line := range bytes.Lines(data) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			secrets = append(secrets, flask.Secret(line))
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("--secret-file: there is no secret in it")
	}
	return secrets, nil
}
