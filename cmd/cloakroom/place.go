package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// place is where the demo keeps its sessions, and how to say so.
type place struct {
	openers store.Openers
	store   store.Store // nil for cookies
	keys    [][]byte

	// What --flask-config decides.
	sessions func(cloakroom.Options) (*cloakroom.Manager, error)
	idle     time.Duration
	keeps    string // by the visitor's browser

	forVisitor  string   // on the page
	forOperator string   // in the terminal
	notes       []string // more for the terminal
	afterwards  string   // what becomes of the sessions when the program ends
}

// openPlace understands --store and --secret-file. It opens stores with known.
func openPlace(ctx context.Context, known store.Openers, where, secretFile string) (*place, error) {
	p := &place{openers: known}
	if secretFile != "" {
		keys, made, err := readOrMakeSecretFile(secretFile)
		if err != nil {
			return nil, err
		}
		p.keys = keys
		if made {
			p.note("A new key has been put into %s", secretFile)
		} else {
			p.note("Sealed with the keys in %s", secretFile)
		}
	}
	var err error
	switch scheme, dir, _ := strings.Cut(where, ":"); {
	case where == "cookie":
		p.cookie()
	case where == "memory", scheme == "memory":
		err = p.memory(ctx, where)
	case where == "file", where == "file:":
		err = p.ownFiles(ctx)
	case scheme == "file" && strings.HasPrefix(dir, "//") && !strings.HasPrefix(dir, "///"):
		err = usageError{errors.New("--store: the URL names a host; write file:DIR")}
	case scheme == "file":
		err = p.file(ctx, dir)
	case known[scheme] != nil:
		err = p.server(ctx, where)
	default:
		err = usageError{hint(fmt.Errorf("--store: cannot keep sessions in %s", shownKind(where)),
			"choose memory, file:DIR, cookie, or a URL that begins with one of %s", strings.Join(servers(), ", "))}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// shownKind quotes the scheme of what is no store's URL, or the word that it is;
// not what has another form, as the name and password before the first colon of a
// data source.
func shownKind(where string) string {
	scheme, rest, found := strings.Cut(where, ":")
	if strings.ContainsAny(scheme, "@= \t\n") || found && rest != "" && !strings.HasPrefix(rest, "//") {
		return "what is neither a word nor a URL"
	}
	return strconv.Quote(scheme)
}

func (p *place) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

func (p *place) cookie() {
	p.forVisitor = "the cookie itself"
	p.forOperator = "in the visitors' cookies, sealed"
	p.afterwards = "The sessions stay with their visitors."
	if p.keys == nil {
		key := make([]byte, keySize)
		rand.Read(key)
		p.keys = [][]byte{key}
		p.note("Their key is made for this run: they end with it (keep one with --secret-file FILE)")
		p.afterwards = "The sessions end with their key."
	}
}

func (p *place) memory(ctx context.Context, where string) error {
	p.forVisitor = "the memory of this program"
	p.forOperator = "in memory, they end with the program"
	p.afterwards = "The sessions end with it."
	if where == "memory" {
		where = "memory:"
	}
	var err error
	if p.store, err = p.openers.Open(ctx, where); err != nil {
		return usageError{fmt.Errorf("--store: %w", err)}
	}
	return nil
}

// ownFiles keeps sessions in a directory of this user's: in files, or in SQLite
// where files cannot be locked.
func (p *place) ownFiles(ctx context.Context) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return hint(fmt.Errorf("no directory for this user's files: %w", err), "name one with --store file:DIR, or use --store memory")
	}
	dir := filepath.Join(cache, "cloakroom", "demo")
	if err := p.file(ctx, dir); !errors.Is(err, filestore.ErrNoLocks) {
		return err
	}
	return p.ownSQLite(ctx, dir)
}

// ownSQLite keeps sessions in a file of SQLite in dir.
func (p *place) ownSQLite(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return hint(fmt.Errorf("--store: %w", err), "name a file with --store sqlite:FILE, or use --store memory")
	}
	name := filepath.Join(dir, "sessions.db")
	// As a URL, so that no character of the name has a meaning in it.
	where := &url.URL{Scheme: "sqlite", Path: filepath.ToSlash(name), OmitHost: true}
	if err := p.server(ctx, where.String()); err != nil {
		return err
	}
	p.forVisitor = "a file of SQLite on the computer that serves this page"
	p.forOperator = "in a file of SQLite, " + name
	p.note("Not in files of their own: this system cannot lock files")
	p.note("To forget them all, stop it and delete the folder %s", dir)
	p.afterwards = "The sessions stay in " + dir + "."
	return nil
}

func (p *place) file(ctx context.Context, dir string) error {
	if dir == "~" || strings.HasPrefix(dir, "~/") {
		return usageError{hint(errors.New("--store: the shell leaves the ~ in file:~ as it is"), "write --store file:$HOME%s", strings.TrimPrefix(dir, "~"))}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return hint(fmt.Errorf("--store: %w", err), "name another directory with --store file:DIR, or use --store memory")
	}
	// As a URL, so that no character of the name has a meaning in it.
	p.store, err = p.openers.Open(ctx, (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir), OmitHost: true}).String())
	if err == nil {
		p.forVisitor = "files on the computer that serves this page"
		p.forOperator = "in files, in " + dir
		p.note("To forget them all, stop it and: rm -r %s", shellQuote(dir))
		p.afterwards = "The sessions stay in " + dir + "."
		return nil
	}
	advice := store.Advice(err)
	switch {
	case errors.Is(err, filestore.ErrNoLocks):
		advice = "use --store sqlite:FILE, or --store memory"
	case advice == "":
		advice = "name another directory with --store file:DIR, or use --store memory"
	}
	return hint(fmt.Errorf("--store: %w", err), "%s", advice)
}

// kinds say what is behind a scheme.
var kinds = map[string]string{
	"redis": "Redis", "rediss": "Redis", "memcached": "Memcached", "mongodb": "MongoDB",
	"postgres": "PostgreSQL", "postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB",
	"sqlite": "a file of SQLite", "cachelib": "files of cachelib", "dynamodb": "DynamoDB",
}

// servers returns the schemes to choose from.
func servers() []string {
	known := maps.Clone(kinds)
	maps.DeleteFunc(known, func(scheme, _ string) bool { return openers()[scheme] == nil })
	return slices.Sorted(maps.Keys(known))
}

// server opens a store by its URL. What it says about it has no more than the
// host of the URL, since the rest may be secret.
func (p *place) server(ctx context.Context, where string) (err error) {
	scheme, rest, _ := strings.Cut(where, ":")
	base, _, _ := strings.Cut(scheme, "+")
	p.forVisitor = kinds[base]
	p.forOperator = "in " + kinds[base]
	switch u, err := storeurl.Parse(where); {
	case err != nil || storeurl.Shown(where) == "": // what looks like a host may be none
	case u.Host != "":
		p.forOperator += ", on " + u.Host
	case base == "sqlite" || base == "cachelib":
		name, _, _ := strings.Cut(rest, "?")
		p.forOperator += ", " + name
	case strings.HasSuffix(scheme, "+unix"):
		p.forOperator += ", at " + u.Path
	}
	p.afterwards = "The sessions stay there until they expire."
	if base := kinds[base]; strings.Contains(base, "SQL") || base == "MariaDB" {
		where = withParameter(where, "create_table", "true") // this is a tutorial
	}
	if p.store, err = p.openers.Open(ctx, where); err == nil {
		return nil
	}
	if advice := store.Advice(err); advice != "" {
		return hint(fmt.Errorf("--store: %w", err), "%s", advice)
	}
	return fmt.Errorf("--store: %w", err)
}

// withParameter adds a parameter to a URL's query, unless it is there.
func withParameter(where, name, value string) string {
	_, query, found := strings.Cut(where, "?")
	switch {
	case strings.Contains("&"+query, "&"+name+"="):
		return where
	case found:
		return where + "&" + name + "=" + value
	default:
		return where + "?" + name + "=" + value
	}
}

// close lets go of the store.
func (p *place) close() error {
	if c, ok := p.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// shellQuote is for commands that people copy into their shell.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
