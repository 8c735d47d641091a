package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Guard returns err, the error of an operation on the store of a URL, unless it
// shows what may be part of a password: its own text, or that of an error that it
// wraps, as drivers quote what they do not understand. Then the error that it
// returns says so and no more. It matches what err matches, with errors.Is, and
// unwraps to nothing.
func Guard(op string, u *url.URL, err error) error {
	if err == nil || u == nil {
		return err
	}
	s := secretsOf(u)
	if p, ok := errors.AsType[*problem](err); ok {
		s.public = append(s.public, p.text, p.advice) // which quote nothing
	}
	if s.clean(err) {
		return err
	}
	if Doubtful(u) {
		return hide(op+": the reason is not shown, since it may quote a password: "+atBehind, adviseEscape, err)
	}
	advice := ""
	if a, ok := errors.AsType[adviser](err); ok && !s.shown(a.Advice()) {
		advice = a.Advice()
	}
	return hide(op+": the reason is not shown, since it may quote a password", advice, err)
}

// adviser is an error with advice, as store.WithAdvice makes it.
type adviser interface {
	error
	Advice() string
}

// Hide returns an error with another text than err's that matches what err
// matches, with errors.Is.
func Hide(text string, err error) error { return hide(text, "", err) }

func hide(text, advice string, err error) error {
	return &hidden{text, advice, func(target error) bool { return errors.Is(err, target) }}
}

// hidden is an error in place of one that shows too much. That one is behind a
// function, where neither errors.As nor fmt finds it.
type hidden struct {
	text, advice string
	is           func(error) bool
}

func (h *hidden) Error() string        { return h.text }
func (h *hidden) Advice() string       { return h.advice }
func (h *hidden) Is(target error) bool { return h.is(target) }

// clean reports whether neither err nor what it wraps shows a secret.
func (s secrets) clean(err error) bool {
	if err == nil {
		return true
	}
	if s.shown(err.Error()) || s.shown(fmt.Sprintf("%+v", err)) || slices.ContainsFunc(fieldsOf(err), s.shown) {
		return false
	}
	if a, ok := err.(adviser); ok && s.shown(a.Advice()) {
		return false
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return s.clean(err.Unwrap())
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(err.Unwrap(), func(e error) bool { return !s.clean(e) })
	}
	return true
}

// fieldsOf returns the texts in the exported fields of err, where a program finds
// them with errors.As.
func fieldsOf(err error) (texts []string) {
	v := reflect.ValueOf(err)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).IsExported() && f.Kind() == reflect.String {
			texts = append(texts, f.String())
		}
	}
	return texts
}

// secrets are what may not be shown of a URL, and what may, though it has pieces
// in common with it.
type secrets struct {
	pieces pieces
	public []string
}

func secretsOf(u *url.URL) secrets {
	if Doubtful(u) { // all of it may be
		plain := *u
		plain.Scheme = ""
		return secrets{pieces: newPieces([]string{plain.String(), u.Opaque, u.Host, u.Path, u.Fragment, lenient(u.RawQuery)})}
	}
	var list []string
	public := []string{u.User.Username()}
	if password, ok := u.User.Password(); ok {
		encoded := url.UserPassword("", password).String()
		list = append(list, password, strings.TrimPrefix(encoded, ":"))
	}
	list = append(list, secretValues(u.RawQuery)...)
	list = append(list, u.Fragment)
	if !isFile(u) {
		list = append(list, u.Opaque) // the slashes may be missing
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		public = append(public, host)
		name, port, _ := strings.Cut(host, ":")
		public = append(public, name, port)
	}
	public = append(public, u.Path, strings.Trim(u.Path, "/"))
	return secrets{newPieces(list), public}
}

// size is how long a piece of a secret must be to count.
const size = 4

// pieces are all pieces of secrets, in lower case.
type pieces map[[size]byte]bool

func newPieces(list []string) pieces {
	p := pieces{}
	for _, secret := range list {
		for _, form := range []string{
			secret, lenient(secret), url.QueryEscape(secret), url.PathEscape(secret),
			url.QueryEscape(lenient(secret)), url.PathEscape(lenient(secret)), quoted(lenient(secret)),
		} {
			form = strings.ToLower(form)
			for i := 0; i+size <= len(form); i++ {
				p[[size]byte([]byte(form[i:i+size]))] = true
			}
		}
	}
	return p
}

// shown reports whether text has a piece of a secret, in any spelling, that is
// neither public nor a piece of a plain word.
func (s secrets) shown(text string) bool {
	if len(s.pieces) == 0 {
		return false
	}
	return s.find(text) || s.find(lenient(text)) || s.find(unquoted(text))
}

func (s secrets) find(text string) bool {
	text = strings.ToLower(text)
	covered := s.covered(text)
	for i := 0; i+size <= len(text); i++ {
		if s.pieces[[size]byte([]byte(text[i:i+size]))] && covered[i] < i+size {
			return true
		}
	}
	return false
}

// covered returns for each byte of text where the plain word or public part that
// it stands in ends.
func (s secrets) covered(text string) []int {
	ends := make([]int, len(text))
	cover := func(from, to int) {
		for i := from; i < to; i++ {
			ends[i] = max(ends[i], to)
		}
	}
	for _, part := range s.public {
		part = strings.ToLower(part)
		for i := 0; len(part) >= size; {
			at := strings.Index(text[i:], part)
			if at < 0 {
				break
			}
			cover(i+at, i+at+len(part))
			i += at + 1
		}
	}
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && (text[i] >= 'a' && text[i] <= 'z' || text[i] == '_') {
			i++
		}
		if plainWords[text[from:i]] {
			cover(from, i)
		}
	}
	return ends
}

// lenient undoes percent-encoding where there is one.
func lenient(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quoted is s as %q writes it, without the quotes.
func quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// unquoted undoes what %q did to parts of s.
func unquoted(s string) string {
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(s)
}
