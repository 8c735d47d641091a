package cloakroom

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"sync"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A Manager keeps the sessions of an application. It is made once, by New or
// NewCookie, and is safe for concurrent use.
type Manager struct {
	opts    Options
	store   store.Store  // nil if sessions live in their cookies
	tickets tickets      // that hold whole sessions; nil if those live in a store
	records *seal.Sealer // for records; nil if they are not sealed
	readers []codec.Codec
	cookie  cookie
	hooked  bool // some hook wants to know durations
	seed    maphash.Seed
	indexes indexes
	stripes [64]chan struct{}

	warnSecure sync.Once
}

// New returns a Manager that keeps sessions in s; the cookie holds an ID. It
// refuses Options that contradict each other or that browsers would not
// accept.
func New(s store.Store, opts Options) (*Manager, error) {
	if s == nil && (opts.Dialect == nil || !opts.Dialect.Storeless()) {
		return nil, errors.New("cloakroom: New: the store is nil: open one, for instance memstore.New(memstore.Options{})")
	}
	m, err := newManager(opts)
	if err != nil {
		return nil, fmt.Errorf("cloakroom: New: %w", err)
	}
	m.store = s
	if d := m.opts.Dialect; d != nil && d.Storeless() {
		m.tickets = dialectTickets{d}
	}
	if len(m.opts.RecordKeys) > 0 {
		if m.records, err = seal.New(m.opts.RecordKeys...); err != nil {
			return nil, fmt.Errorf("cloakroom: New: Options.RecordKeys: %w", err)
		}
		m.opts.RecordKeys = nil // lest they be printed with the Manager
	}
	return m, nil
}

// NewCookie returns a Manager that keeps each session in its cookie, encrypted
// and authenticated: the first of the keys seals, all of them open (see
// [seal.New] for what makes a good key). There is no store to run and none to
// fail, at a price:
//
//   - a session has to fit into a cookie, about 2,900 bytes of data;
//   - of two requests that change a session at the same time, the answer that
//     the browser gets last wins with all it holds;
//   - a copy of an old cookie opens the session as it was until it expires,
//     also after a logout.
//
// Where that matters, use New.
func NewCookie(keys [][]byte, opts Options) (*Manager, error) {
	m, err := newManager(opts)
	if err == nil && len(opts.RecordKeys) > 0 {
		err = errors.New("Options.RecordKeys is for records in a store: NewCookie has its own keys")
	}
	if err == nil && opts.PlainIDs {
		err = errors.New("Options.PlainIDs is for records in a store: a sealed cookie has no ID")
	}
	if err == nil {
		m.tickets, err = newSealedTickets(keys, m.opts.CookieName)
	}
	if err != nil {
		return nil, fmt.Errorf("cloakroom: NewCookie: %w", err)
	}
	return m, nil
}

func newManager(opts Options) (*Manager, error) {
	opts, err := opts.normalize()
	if err != nil {
		return nil, err
	}
	h := &opts.Hooks
	m := &Manager{
		opts:    opts,
		cookie:  newCookie(&opts),
		readers: []codec.Codec{opts.Codec},
		seed:    maphash.MakeSeed(),
		hooked: h.Created != nil || h.Loaded != nil || h.Saved != nil || h.Conflict != nil ||
			h.Touched != nil || h.Regenerated != nil || h.Destroyed != nil,
	}
	others := []codec.Codec{codec.MsgPack, codec.JSON}
	if opts.Dialect != nil {
		others = nil // its codec reads what there may be
	}
	for _, c := range others {
		if c != opts.Codec {
			m.readers = append(m.readers, c)
		}
	}
	for i := range m.stripes {
		m.stripes[i] = make(chan struct{}, 1)
	}
	return m, nil
}

// stripe returns the lock that requests with conflicting changes of key share.
func (m *Manager) stripe(key string) chan struct{} {
	return m.stripes[maphash.String(m.seed, key)%uint64(len(m.stripes))]
}

// Open returns the session of a ticket, without HTTP: for WebSockets, gRPC,
// jobs and tests. A ticket that is malformed, unknown or expired gives a new
// session, as in a request. The error is the store's, and matches
// ErrUnavailable. Changes are saved by Commit alone.
func (m *Manager) Open(ctx context.Context, t Ticket) (*Session, error) {
	s := &Session{m: m, ctx: context.WithoutCancel(ctx), loaded: true}
	if t == "" {
		return s, nil
	}
	f, err := m.find(ctx, []string{string(t)})
	if err != nil {
		m.reportTo(ctx, "", err)
		return nil, err
	}
	s.base, s.unread = f.base, f.unread
	return s, nil
}

// Commit saves the changes of a session that Open returned, and moves its
// expiry on if that is due. It returns the session's ticket as it is from now
// on: empty if there is no session, because nothing was ever set, or it was
// destroyed, or it ended elsewhere. After an error the changes are still
// pending, and Commit may be called again; if the store had in fact saved
// before it failed, a step of an Update is then done twice. Once Commit has begun it does not
// stop when ctx is done, only after Options.StoreTimeout.
func (m *Manager) Commit(ctx context.Context, s *Session) (Ticket, error) {
	if s == nil {
		return "", errors.New("cloakroom: Commit: the session is nil: Open returns none with an error")
	}
	if s.m != m {
		return "", errors.New("cloakroom: Commit: the session belongs to another Manager")
	}
	if s.r != nil {
		return "", errors.New("cloakroom: Commit: the session belongs to a request, which saves it by itself")
	}
	if err := s.commit(ctx); err != nil {
		m.reportTo(ctx, "", err)
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base.ticket, nil
}

// Preload is a middleware for routes that should not run at all if the session
// cannot be loaded: it loads the session first, and lets ErrorHandler answer
// if that fails. It goes inside of Handler. Without it a session is loaded at
// its first use.
func (m *Manager) Preload(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r)
		s.mu.Lock()
		ok := s.readable()
		s.mu.Unlock()
		if ok {
			next.ServeHTTP(w, r)
		}
		// Otherwise Handler answers with the error, as for every failed session.
	})
}

// report tells about an error that does not fail the request.
func (s *Session) report(err error) { s.m.reportTo(s.ctx, "", err) }

// reportTo calls Hooks.Error and logs err. That a visitor hung up is nobody's
// fault and stays out of the log.
func (m *Manager) reportTo(ctx context.Context, handle string, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	fire(ctx, m.opts.Hooks.Error, Event{Handle: handle, Err: err})
	m.log(ctx, handle, err)
}

func (m *Manager) log(ctx context.Context, handle string, err error) {
	logger := m.opts.Logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := make([]slog.Attr, 0, 3)
	attrs = append(attrs, slog.String("error", err.Error()))
	if handle != "" {
		attrs = append(attrs, slog.String("session", handle))
	}
	if advice := store.Advice(err); advice != "" {
		attrs = append(attrs, slog.String("advice", advice))
	}
	logger.LogAttrs(ctx, slog.LevelError, "session", attrs...)
}
