package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// A user's record lists his sessions, so that they can be found and ended. A
// session that is not listed there yet never opens, since it is listed before it
// is saved; what is listed there may have ended, or never have been saved.

const (
	// UserPrefix comes after the prefix of all keys in the key of a user's record.
	UserPrefix = "user:"

	// entryLife is how long an entry that leads nowhere stays at the least: its
	// session may be about to be saved.
	entryLife = 10 * time.Minute

	// leastListed is how long a user's record stays after a login to a session
	// without a lifetime.
	leastListed = 30 * 24 * time.Hour

	// longestListed is what ten idle timeouts come to at the most.
	longestListed = 100 * 365 * 24 * time.Hour

	// sweepFrom is how many entries there are before those that lead nowhere are
	// looked for.
	sweepFrom = 32
)

// A listing is what a user's record holds.
type listing struct {
	user    string
	entries []entry
}

// An entry is one of the user's sessions.
type entry struct {
	key  string // store key
	from string // store key of the session that it came from, or ""
	at   int64  // Unix milliseconds
}

// userKey returns the store key of a user's record. The hash is for its length
// and characters: the name is in the record.
func (e *Engine) userKey(user string) string {
	sum := sha256.Sum256([]byte("cloakroom user\x00" + e.CookieName + "\x00" + user))
	return e.KeyPrefix + UserPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// IsUserKey reports whether a store key is that of a user's record or epoch. No
// session has such a key: New refuses a prefix that would make it one.
func IsUserKey(key string) bool {
	head := len(key) - IDLength
	return head >= 0 && UsersPrefix(key[:head]) != "" && isBase64URL(key[head:])
}

// UsersPrefix returns what prefix ends in, of UserPrefix and EpochPrefix, or "".
func UsersPrefix(prefix string) string {
	for _, users := range []string{UserPrefix, EpochPrefix} {
		if strings.HasSuffix(prefix, users) {
			return users
		}
	}
	return ""
}

// listingOf loads a user's record, which is empty if there is none.
func (e *Engine) listingOf(ctx context.Context, user string) (listing, store.Record, error) {
	key := e.userKey(user)
	rec, err := e.store.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return listing{user: user}, store.Record{}, nil
	}
	if err != nil {
		return listing{}, store.Record{}, unavailable("load the user's record", err)
	}
	data, err := e.openPayload(rec.Data, key)
	if err != nil {
		return listing{}, rec, unreadable(err)
	}
	l, err := e.readListing(data)
	if err == nil && l.user != user {
		err = errors.New("it is another user's")
	}
	if err != nil {
		return listing{}, rec, unreadable(err)
	}
	return l, rec, nil
}

func unreadable(err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return store.WithAdvice(fmt.Errorf("cloakroom: load the user's record: %w: it cannot be read: %w", ErrUnavailable, err),
		"Somebody else has written it. If it is deleted, the user can log in again, but the sessions that he has are not found any more.")
}

// The record is a dictionary of the user's name and a list of the entries, three
// elements for each. Keys are without the prefix that all have.

type listingRecord struct {
	User     string `msgpack:"user"`
	Sessions []any  `msgpack:"sessions"`
}

func (e *Engine) readListing(data []byte) (listing, error) {
	var r listingRecord
	if err := codec.MsgPack.Unmarshal(data, &r); err != nil {
		return listing{}, err
	}
	l := listing{user: r.User, entries: make([]entry, 0, len(r.Sessions)/3+1)}
	for s := range slices.Chunk(r.Sessions, 3) {
		if len(s) < 3 {
			return listing{}, errors.New("half an entry")
		}
		key, ok := s[0].(string)
		from, fromOK := s[1].(string)
		if !ok || !fromOK || key == "" {
			return listing{}, errors.New("an entry without a key")
		}
		x := entry{key: e.KeyPrefix + key, at: integer(s[2])}
		if from != "" {
			x.from = e.KeyPrefix + from
		}
		if err := store.CheckKey(x.key); err != nil { // no store would say what it leads to
			return listing{}, err
		}
		l.entries = append(l.entries, x)
	}
	return l, nil
}

func integer(v any) int64 {
	i, _ := v.(int64)
	return i
}

func (e *Engine) writeListing(l *listing) ([]byte, error) {
	r := listingRecord{User: l.user, Sessions: make([]any, 0, 3*len(l.entries))}
	for _, x := range l.entries {
		r.Sessions = append(r.Sessions, strings.TrimPrefix(x.key, e.KeyPrefix), strings.TrimPrefix(x.from, e.KeyPrefix), x.at)
	}
	data, err := codec.MsgPack.Marshal(nil, r)
	if err == nil && e.records != nil {
		data = e.records.Seal(nil, data, e.userKey(l.user))
	}
	return data, err
}

// changeListing saves what change makes of the newest listing of a user, as often
// as that takes, for at least until a time if that is not zero. Nothing is saved if change reports
// false.
func (e *Engine) changeListing(ctx context.Context, user string, until time.Time, change func(*listing) (bool, error)) (store.Record, error) {
	queue := turn{e: e}
	defer queue.pass()
	key := e.userKey(user)
	for tries := int32(1); ; tries++ {
		l, rec, err := e.listingOf(ctx, user)
		if err != nil {
			return rec, err
		}
		changed, err := change(&l)
		if err != nil || !changed {
			return rec, err
		}
		var next store.Record
		if len(l.entries) > 0 {
			data, err := e.writeListing(&l)
			if err != nil {
				return rec, fmt.Errorf("cloakroom: save the user's record: %w", err)
			}
			next = store.Record{Data: data, Expires: until}
			switch {
			case rec.Exists() && until.IsZero():
				next.Expires = rec.Expires
			case rec.Exists():
				next.Expires = store.Later(until, rec.Expires)
			}
		} else if !rec.Exists() {
			return rec, nil
		}
		saved, err := e.store.Save(ctx, key, rec, next)
		switch {
		case err == nil:
			return saved, nil
		case !errors.Is(err, store.ErrConflict):
			return rec, saveError(err)
		}
		if err := queue.wait(ctx, key); err != nil {
			return rec, outOfTurns(tries, err)
		}
	}
}

// list enters a session into its user's record, before the session is saved, and
// returns until when the record is sure to stay. What goes on, rather than begins
// with a login, must not take the place of others when it has been ended itself: its
// error matches ErrNotFound then.
func (e *Engine) list(ctx context.Context, b *ledger.Base, key, from string, goesOn bool, now time.Time) (int64, error) {
	user := b.Meta.Login.User
	until := e.listedUntil(b, now)
	rec, err := e.changeListing(ctx, user, until, func(l *listing) (bool, error) {
		if slices.ContainsFunc(l.entries, func(x entry) bool { return x.key == key }) {
			return true, nil // it moves the expiry on
		}
		if goesOn && from != "" && !slices.ContainsFunc(l.entries, func(x entry) bool { return x.key == from }) {
			if _, err := e.fetch(ctx, from); err != nil {
				return false, err
			}
		}
		if err := e.makeRoom(ctx, l, from, now); err != nil {
			return false, err
		}
		l.entries = append(l.entries, entry{key, from, now.UnixMilli()})
		return true, nil
	})
	if err != nil || rec.Expires.IsZero() {
		return 0, err
	}
	return rec.Expires.UnixMilli(), nil
}

// listedUntil returns when a user's record may go that lists a session with b. The
// session's own record stays for an idle timeout after its last use, by when the
// lifetime may have been raised.
func (e *Engine) listedUntil(b *ledger.Base, now time.Time) time.Time {
	idle, life := e.limits(b.Meta)
	if life == NoLimit {
		return now.Add(max(10*min(idle, longestListed/10), idle, leastListed))
	}
	return e.deadline(b, now).Add(max(idle, 0))
}

// unlisted reports whether a session that is used now may outlive its user's
// record, which has to be told first.
func (e *Engine) unlisted(v *version, now time.Time) bool {
	return !e.inTicket() && e.outlasts(v, now)
}

// outlasts reports whether a session that is used now may live longer than what is
// kept of its user.
func (e *Engine) outlasts(v *version, now time.Time) bool {
	if v.Meta.User() == "" || v.Meta.Login.Listed == 0 {
		return false
	}
	end := e.expiry(&v.Base, now)
	if deadline := e.deadline(&v.Base, now); !deadline.IsZero() && deadline.Before(end) {
		end = deadline
	}
	return end.After(time.UnixMilli(v.Meta.Login.Listed).Add(time.Second)) // of which stores keep seconds
}

// makeRoom makes sure that l has room for one more session, which comes from the
// one with the key from.
func (e *Engine) makeRoom(ctx context.Context, l *listing, from string, now time.Time) error {
	size := len(l.entries)
	lines := e.lines(l, from)
	if len(lines) < e.MaxPerUser && (size < sweepFrom || bits.OnesCount(uint(size)) != 1) {
		return nil
	}
	if err := e.sweep(ctx, l, now); err != nil {
		return err
	}
	if lines = e.lines(l, from); len(lines) < e.MaxPerUser {
		return nil
	}
	if e.RefuseOverMax {
		return store.WithAdvice(fmt.Errorf("cloakroom: login: %w: the user has %d, Options.MaxPerUser is %d", ErrTooMany, len(lines), e.MaxPerUser),
			"The user can end one elsewhere; see Manager.Devices and Revoke.")
	}
	ended := slices.Concat(lines[:len(lines)-e.MaxPerUser+1]...)
	for _, x := range ended {
		if err := e.endListed(ctx, l.user, x.key, nil); err != nil {
			return err
		}
	}
	l.drop(ended)
	return nil
}

// drop removes the entries that have the keys of others.
func (l *listing) drop(others []entry) {
	keys := make(map[string]bool, len(others))
	for _, x := range others {
		keys[x.key] = true
	}
	l.entries = slices.DeleteFunc(l.entries, func(x entry) bool { return keys[x.key] })
}

// lines returns the entries but those of the session that from belongs to, those
// that came from one key together, the line with the oldest entry first.
func (e *Engine) lines(l *listing, from string) (lines [][]entry) {
	roots := l.roots()
	own := cmp.Or(roots[from], from)
	at := map[string]int{}
	for _, x := range l.entries {
		root := roots[x.key]
		if from != "" && root == own {
			continue
		}
		i, known := at[root]
		if !known {
			i = len(lines)
			at[root] = i
			lines = append(lines, nil)
		}
		lines[i] = append(lines[i], x)
	}
	slices.SortStableFunc(lines, func(a, b []entry) int { return int(min(max(a[0].at-b[0].at, -1), 1)) })
	return lines
}

// before returns for each entry the key that it came from, if there is one.
func (l *listing) before() map[string]string {
	from := make(map[string]string, len(l.entries))
	for _, x := range l.entries {
		if x.from != "" && x.from != x.key {
			from[x.key] = x.from
		}
	}
	return from
}

// roots returns for each entry the first key that it came from.
func (l *listing) roots() map[string]string {
	from := l.before()
	roots := make(map[string]string, len(l.entries))
	for _, x := range l.entries {
		trace(x.key, from, roots, func(key string) string { return key })
	}
	return roots
}

// after returns the entries with the given handles, and those that came from them.
func (l *listing) after(handles []string) map[string]bool {
	from := l.before()
	has := make(map[string]bool, len(l.entries))
	for _, x := range l.entries {
		if slices.Contains(handles, HandleOf(x.key)) {
			has[x.key] = true
		}
	}
	for _, x := range l.entries {
		trace(x.key, from, has, func(string) bool { return false })
	}
	return has
}

// trace follows key from one to the one before, to the first that is known, and
// notes what is known for all on the way. first says what it is for a key without one
// before.
func trace[T any](key string, from map[string]string, known map[string]T, first func(key string) T) {
	var way []string
	var what T
	for met := map[string]bool{}; ; {
		if w, ok := known[key]; ok {
			what = w
			break
		}
		way, met[key] = append(way, key), true
		before, ok := from[key]
		if !ok || met[before] { // somebody has written a circle
			what = first(key)
			break
		}
		key = before
	}
	for _, key := range way {
		known[key] = what
	}
}

// sweep drops the entries that lead nowhere. Those without even a mark stay for a
// while, as their sessions may be about to be saved.
func (e *Engine) sweep(ctx context.Context, l *listing, now time.Time) error {
	found, err := e.openListed(ctx, l.entries)
	if err != nil {
		return err
	}
	young := now.Add(-entryLife).UnixMilli()
	var kept []entry
	for i, x := range l.entries {
		v, err := &found[i].version, found[i].err
		switch {
		case err == nil && (v.Meta.User() != l.user || e.over(v, now)), isMark(err):
		case err != nil && errors.Is(err, ErrNotFound) && x.at < young:
		default: // also what this process cannot open
			kept = append(kept, x)
		}
	}
	l.entries = kept
	return nil
}

// A listed is what an entry leads to, or why it leads to no session that can be
// opened.
type listed struct {
	version version
	err     error
}

// openListed loads what entries lead to. Sessions that are over by today's limits
// are among it.
func (e *Engine) openListed(ctx context.Context, entries []entry) ([]listed, error) {
	keys := make([]string, len(entries))
	for i, x := range entries {
		keys[i] = x.key
	}
	records, err := store.LoadAll(ctx, e.store, keys)
	if err != nil {
		return nil, unavailable("load the user's sessions", err)
	}
	found := make([]listed, len(records))
	for i, rec := range records {
		f := &found[i]
		if !rec.Exists() {
			f.err = ErrNotFound
		} else if f.err = e.readMark(keys[i], rec); f.err == nil {
			f.version, f.err = e.decode(keys[i], rec)
		}
	}
	return found, nil
}

// over reports whether the session has ended by its lifetime or idle timeout.
func (e *Engine) over(v *version, now time.Time) bool { return e.aged(v, now) || e.idled(v, now) }
