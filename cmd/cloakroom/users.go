package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// application is what commands about a user have to know of the application that
// keeps the sessions.
type application struct {
	Store address `arg:"" placeholder:"URL" help:"The store, as in redis://host; or @FILE, a file that holds the URL."`
	User  string  `arg:"" placeholder:"USER" help:"The name that the application gives to Session.Login; or -, which reads it from standard input, where nobody sees it."`

	Prefix     string `default:"${prefix}" placeholder:"TEXT" help:"The application's Options.KeyPrefix."`
	CookieName string `default:"__Host-session" placeholder:"NAME" help:"The name of its cookie, which is session if its Options are Insecure, and __Secure-session if they have a Domain or a Path."`
	SecretFile string `type:"path" placeholder:"FILE" help:"A file with its RecordKeys, if it has some, one a line in hex or base64, in their order."`
	JSON       bool   `name:"json" help:"Print the result as JSON."`
}

// beyond is an idle timeout that no application has: what a record says counts.
const beyond = 100 * 365 * 24 * time.Hour

// sessions are the application's, opened.
type sessions struct {
	*cloakroom.Manager
	store store.Store
	user  string
	where string
}

// open opens the application's sessions, which are made by kind. They live at most
// for lifetime, or as long as their records say.
func (a *application) open(ctx context.Context, s streams, kind managerKind, lifetime time.Duration) (*sessions, error) {
	if a.Store.isFlasks() {
		return nil, usageError{hint(errors.New("the store is laid out as Flask's, which knows no users"),
			"end all sessions with another SESSION_KEY_PREFIX, or one through the application")}
	}
	opts := cloakroom.Options{
		KeyPrefix: a.Prefix, CookieName: a.CookieName,
		IdleTimeout: beyond, Lifetime: lifetime, MaxIdleTimeout: beyond, MaxLifetime: cloakroom.NoLimit,
		Logger: slog.New(slog.NewTextHandler(s.err, nil)),
	}
	if lifetime != cloakroom.NoLimit {
		opts.IdleTimeout = min(beyond, lifetime)
	}
	if a.SecretFile != "" {
		var err error
		if opts.RecordKeys, err = readSecretFile(a.SecretFile); err != nil {
			return nil, err
		}
		opts.ReadUnsealedUntil = time.Now().Add(beyond) // sealing may have been switched on lately
	}
	user, err := a.readUser(s)
	if err != nil {
		return nil, err
	}
	st, name, err := a.Store.open(ctx, s, true)
	if err != nil {
		if !strings.HasPrefix(string(a.Store), "@") && !strings.Contains(string(a.Store), ":") { // it is no URL at all
			err = hint(err, "the store's URL comes first, the user second")
		}
		return nil, err
	}
	m, err := kind(st, opts)
	if err != nil {
		return nil, usageError{errors.Join(err, store.Close(st))}
	}
	return &sessions{m, st, user, name}, nil
}

// A managerKind makes a Manager of sessions on the server, or in their cookies.
type managerKind func(store.Store, cloakroom.Options) (*cloakroom.Manager, error)

// newSealed is for sessions that are sealed in their cookies, and a store of
// revocations. To revoke takes no key of theirs.
func newSealed(st store.Store, opts cloakroom.Options) (*cloakroom.Manager, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	opts.Revocations = st
	return cloakroom.NewCookie([][]byte{key}, opts)
}

// maxUser bounds what is read of a user's name.
const maxUser = 64 << 10

func (a *application) readUser(s streams) (string, error) {
	if a.User == "" {
		return "", usageError{errors.New("the user's name is empty")}
	}
	if a.User != "-" {
		return a.User, nil
	}
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintln(s.err, "Type the user's name, then press Enter and Ctrl-D:")
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxUser))
	if err != nil {
		return "", err
	}
	user := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if user == "" || strings.Contains(user, "\n") {
		return "", usageError{errors.New("standard input does not hold one line with a user's name")}
	}
	return user, nil
}

// untilCtrlC returns a context that ends with Ctrl-C.
func untilCtrlC(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// noneNote says why a user may seem to have no session.
func (s *sessions) noneNote(w io.Writer) {
	fmt.Fprintf(w, "Note: the user has no session in %s. Check the name, and --prefix and --cookie-name, which are the application's.", s.where)
	if isHandle(s.user) {
		fmt.Fprint(w, " The name looks like a handle: "+userFirst+".")
	}
	fmt.Fprintln(w)
}

// userFirst is for those who have swapped the arguments.
const userFirst = "the user's name comes first, then the handles"

// isHandle reports whether s looks like the handle of a session.
func isHandle(s string) bool {
	return len(s) == 16 && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// userError is an error of the Manager's with what an operator can do.
func userError(err error) error {
	if errors.Is(err, seal.ErrUnknownKey) {
		return hint(err, "name the file with all of the application's RecordKeys: --secret-file FILE")
	}
	return advised(err)
}
