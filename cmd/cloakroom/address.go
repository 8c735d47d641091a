package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// address is a store's URL as an argument: the URL, or @FILE with the URL in
// the file, for URLs with a password.
type address string

// maxAddress bounds what is read of a file that should hold a URL.
const maxAddress = 64 << 10

// open opens the store, and says how to name it: without anything secret. One
// that must exist is not made if it is missing, nor swept while it is open.
func (a address) open(ctx context.Context, s streams, mustExist bool) (store.Store, string, error) {
	text, err := a.read()
	if err != nil {
		return nil, "", err
	}
	name := shownAddress(text)
	if u, err := url.Parse(text); err == nil {
		if _, has := u.User.Password(); has && !strings.HasPrefix(string(a), "@") {
			fmt.Fprintf(s.err, "Note: everybody on this computer can see the password in the URL of %s; write the URL into a file and name it as @FILE.\n", name)
		}
		switch {
		case openers()[u.Scheme] == nil:
			_, err := openers().Open(ctx, text)
			return nil, name, usageError{err}
		case u.Scheme == "memory":
			return nil, name, usageError{errors.New("memory: is empty when this program begins and forgotten when it ends")}
		case mustExist:
			if err := checkExists(u); err != nil {
				return nil, name, err
			}
			text = untouched(text, u.Scheme)
		}
	}
	st, err := openers().Open(ctx, text)
	if err != nil {
		return nil, name, advised(err)
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
		if strings.ContainsAny(file, "@:=") { // a URL by mistake
			err = fmt.Errorf("@ is not followed by the name of a file that can be read: %w", bare(err))
		}
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

// bare is err without the name of the file.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// shownAddress is a URL's scheme and host, or path; nothing of it is secret.
func shownAddress(text string) string {
	u, err := storeurl.Parse(text)
	switch {
	case err != nil || u.Scheme == "":
		return "the store"
	case storeurl.Shown(text) == "" && u.Host != "":
		return u.Scheme + "://" // what looks like a host may be a user and the head of a password
	case storeurl.Shown(text) == "":
		return u.Scheme + ":"
	case u.Host != "":
		return u.Scheme + "://" + u.Host
	default:
		return u.Scheme + ":" + u.Opaque + u.Path
	}
}

// errMissing says that a store on this computer is not there.
var errMissing = errors.New("there is no such store")

// checkExists refuses files of a store that are not there. Opening it would
// make them, and a mistyped name pass for a store without sessions.
func checkExists(u *url.URL) error {
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return nil // the opener will say what is wrong
		}
	}
	var err error
	empty := false
	switch u.Scheme {
	case "sqlite":
		if u.Host != "" || u.Opaque == "" && !u.OmitHost && !strings.HasPrefix(path, "//") {
			return nil // as before
		}
		var info fs.FileInfo
		info, err = os.Stat(path)
		empty = err == nil && info.Size() == 0
	case "file":
		var entries []os.DirEntry
		entries, err = os.ReadDir(path)
		empty = err == nil && len(entries) == 0
	case "cachelib":
		_, err = os.Stat(path)
	}
	if empty || errors.Is(err, fs.ErrNotExist) {
		shown := u.Scheme + ":" + path
		if storeurl.Doubtful(u) {
			shown = u.Scheme + ":"
		}
		return hint(fmt.Errorf("%w: %s", errMissing, shown), "check its name")
	}
	return nil
}

// untouched returns a URL with which opening the store makes nothing, and no
// sweep runs in the background.
func untouched(text, scheme string) string {
	base, query, _ := strings.Cut(text, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if part != "" && name != "create_table" && name != "ensure_indexes" && name != "table_exists" {
			kept = append(kept, part)
		}
	}
	if len(kept) > 0 {
		base += "?" + strings.Join(kept, "&")
	}
	switch scheme {
	case "dynamodb":
		return withParameter(base, "table_exists", "true")
	case "file", "postgres", "postgresql", "mysql", "mariadb", "sqlite":
		return withParameter(base, "sweep_interval", "-1s")
	}
	return base
}

// closing closes a store and adds the error to err.
func closing(s store.Store, err *error) {
	*err = errors.Join(*err, store.Close(s))
}
