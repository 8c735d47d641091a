package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// address is a store's URL as an argument: the URL, or @FILE with the URL in
// the file, for URLs with a password.
type address string

// maxAddress bounds what is read of a file that should hold a URL.
const maxAddress = 64 << 10

// open opens the store, and says how to name it: without anything secret.
func (a address) open(ctx context.Context, s streams) (store.Store, string, error) {
	text, err := a.read()
	if err != nil {
		return nil, "", err
	}
	name := shownAddress(text)
	if u, err := url.Parse(text); err == nil && !strings.HasPrefix(string(a), "@") {
		if _, has := u.User.Password(); has {
			fmt.Fprintf(s.err, "Note: everybody on this computer can see the password in the URL of %s; write the URL into a file and name it as @FILE.\n", name)
		}
	}
	st, err := openers().Open(ctx, text)
	if err != nil {
		if advice := store.Advice(err); advice != "" {
			return nil, name, hint(err, "%s", advice)
		}
		return nil, name, err
	}
	return st, name, nil
}

func (a address) read() (string, error) {
	file, ok := strings.CutPrefix(string(a), "@")
	if !ok {
		return string(a), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", usageError{err}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAddress))
	if err != nil {
		return "", err
	}
	if line := strings.TrimSpace(string(text)); line != "" && !strings.Contains(line, "\n") {
		return line, nil
	}
	return "", usageError{fmt.Errorf("%s does not hold one line with a URL", file)}
}

// shownAddress is a URL's scheme and host, or path; nothing of it is secret.
func shownAddress(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "":
		return "the store"
	case u.Host != "":
		return u.Scheme + "://" + u.Host
	default:
		return u.Scheme + ":" + u.Opaque + u.Path
	}
}

// closing closes a store and adds the error to err.
func closing(s store.Store, err *error) {
	*err = errors.Join(*err, store.Close(s))
}
