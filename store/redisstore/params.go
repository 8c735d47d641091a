package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

// params are the parameters of a URL's query. The first one that is wrong is
// kept as the error. A value is shown only where it cannot be a secret.
type params struct {
	url   *url.URL
	query url.Values
	used  map[string]bool
	err   error
}

func newParams(u *url.URL) (*params, error) {
	query, err := storeurl.Query(u)
	if err != nil {
		return nil, err
	}
	return &params{url: u, query: query, used: map[string]bool{}}, nil
}

func (p *params) text(name string) string {
	p.used[name] = true
	values := p.query[name]
	if len(values) > 1 && p.err == nil {
		p.err = fmt.Errorf("parameter %q is given %d times", name, len(values))
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (p *params) fail(name, want string) {
	if p.err == nil {
		p.err = fmt.Errorf("parameter %q must be %s", name, want)
	}
}

func (p *params) number(name string) int {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		p.fail(name, "a number")
	}
	return n
}

func (p *params) boolean(name string) bool {
	text := p.text(name)
	if text == "" {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		p.fail(name, "true or false")
	}
	return b
}

func (p *params) duration(name string, zero time.Duration) time.Duration {
	text := p.text(name)
	if text == "" {
		return zero
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.fail(name, "a duration such as 500ms or 2s")
	}
	return d
}

// rest returns the first error, which may be that a parameter is not known, or
// not with this URL.
func (p *params) rest() error {
	if p.err != nil {
		return p.err
	}
	known := slices.Sorted(maps.Keys(p.used))
	if unknown := storeurl.Unknown(p.url, maps.Keys(p.query), known); len(unknown) > 0 {
		return fmt.Errorf("unknown parameter %s; known with this scheme are %s", unknown[0], strings.Join(known, ", "))
	}
	return nil
}

// tlsConfig is what the URL says about TLS.
func (p *params) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         p.text("server_name"),
		InsecureSkipVerify: p.boolean("insecure_skip_verify"),
	}
	if file := p.text("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("parameter ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("parameter ca: the file has no certificate in PEM")
		}
	}
	cert, key := p.text("cert"), p.text("key")
	if (cert == "") != (key == "") {
		return nil, errors.New("parameters cert and key belong together")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("parameters cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
