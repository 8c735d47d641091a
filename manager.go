package cloakroom

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/edge"
	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/internal/hidden"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A Manager keeps the sessions of an application. It is made once, by New or
// NewCookie, and is safe for concurrent use.
type Manager struct {
	engine     *engine.Engine
	middleware *edge.Middleware
}

// New returns a Manager that keeps sessions in s; the cookie holds an ID. It
// refuses Options that contradict each other or that browsers would not
// accept.
func New(s store.Store, opts Options) (*Manager, error) {
	if s == nil && (opts.rules == nil || opts.rules.IDs != nil) {
		return nil, errors.New("cloakroom: New: the store is nil: open one, for instance memstore.New(memstore.Options{})")
	}
	opts, err := opts.normalize()
	if err != nil {
		return nil, fmt.Errorf("cloakroom: New: %w", err)
	}
	var sealer *seal.Sealer
	if opts.RecordKeys != nil && len(opts.RecordKeys) == 0 {
		return nil, errors.New("cloakroom: New: Options.RecordKeys is a list without keys, and records would not be sealed: see where the keys are read from, or leave it nil")
	}
	if opts.Revocations != nil {
		return nil, errors.New("cloakroom: New: Options.Revocations is for NewCookie: what is in a store is revoked there")
	}
	if len(opts.RecordKeys) == 0 && !opts.ReadUnsealedUntil.IsZero() {
		return nil, errors.New("cloakroom: New: Options.ReadUnsealedUntil is set without RecordKeys: no record is sealed then, and all are read")
	}
	if len(opts.RecordKeys) > 0 {
		if sealer, err = seal.New(opts.RecordKeys...); err != nil {
			return nil, fmt.Errorf("cloakroom: New: Options.RecordKeys: %w", err)
		}
	}
	return newManager(s, sealer, &opts), nil
}

// NewCookie returns a Manager that keeps each session in its cookie, encrypted
// and authenticated: the first of the keys seals, all of them open. See
// [seal.New] for what makes a good key and how to rotate it: a process to which
// a cookie comes under a key that it does not list takes its visitor for a new
// one. There is no store to run and none to fail, at a price:
//
//   - a session has to fit into a cookie, about 2,900 bytes of data;
//   - of two requests that change a session at the same time, the answer that
//     the browser gets last wins with all it holds;
//   - a copy of an old cookie opens the session as it was until it expires,
//     also after a logout.
//
// Where that matters, use New.
func NewCookie(keys [][]byte, opts Options) (*Manager, error) {
	limited := opts.MaxPerUser != 0 || opts.RefuseOverMax
	opts, err := opts.normalize()
	if err == nil && limited {
		err = errors.New("Options.MaxPerUser and RefuseOverMax are for records in a store: sealed cookies are not counted")
	}
	if err == nil && len(opts.RecordKeys) > 0 {
		err = errors.New("Options.RecordKeys is for records in a store: NewCookie has its own keys")
	}
	if err == nil && !opts.ReadUnsealedUntil.IsZero() {
		err = errors.New("Options.ReadUnsealedUntil is for records in a store: a cookie is always sealed")
	}
	if err == nil && opts.RenewEvery != 0 {
		err = errors.New("Options.RenewEvery is for records in a store: a sealed cookie has no ID")
	}
	if err == nil && opts.PlainIDs {
		err = errors.New("Options.PlainIDs is for records in a store: a sealed cookie has no ID")
	}
	if err == nil {
		opts.rules.IDs = nil
		opts.rules.InTicket, err = engine.SealedTickets(keys, opts.CookieName, edge.MaxCookie)
	}
	if err != nil {
		return nil, fmt.Errorf("cloakroom: NewCookie: %w", err)
	}
	m := newManager(nil, nil, &opts)
	m.engine.SetRevocations(opts.Revocations)
	return m, nil
}

// maxFlashes is said in the comment of Session.Flash.
const maxFlashes = 1000

// nativeRules returns the rules of a Manager that package flask did not make.
func nativeRules(opts *Options) *rules.Rules {
	cookie := edge.Attributes{
		Name:        opts.CookieName,
		Domain:      opts.Domain,
		Path:        opts.Path,
		SameSite:    opts.SameSite,
		Insecure:    opts.Insecure,
		Script:      opts.ScriptAccess,
		Partitioned: opts.Partitioned,
	}.Joined()
	return &rules.Rules{
		IDs:            engine.IDs{},
		Readers:        []codec.Codec{codec.MsgPack, codec.JSON},
		Own:            true,
		Permanence:     ledger.PermanentIfTrue,
		Flash:          ledger.PairFlash,
		MaxFlashes:     maxFlashes,
		Use:            rules.UseAsked,
		Candidates:     cookie.Candidates(),
		Cookie:         cookie,
		AdviceInsecure: "set Options.Insecure",
		AdviceServer:   "cloakroom.New",
		AdviceSealed:   "Records are sealed and no RecordKeys are set: give this process the Options.RecordKeys of the others. The record was left as it is.",
	}
}

func newManager(s store.Store, sealer *seal.Sealer, opts *Options) *Manager {
	r := opts.rules
	e := engine.New(s, sealer, engine.Config{
		IdleTimeout:   opts.IdleTimeout,
		Lifetime:      opts.Lifetime,
		TouchInterval: opts.TouchInterval,
		AnonymousIdle: opts.AnonymousIdle,
		Permanent:     opts.Permanent,
		CookieName:    opts.CookieName,
		KeyPrefix:     opts.KeyPrefix,
		PlainIDs:      opts.PlainIDs,
		Codec:         opts.Codec,
		MaxSize:       opts.MaxSize,
		MaxTicket:     edge.MaxCookie - len(opts.CookieName),
		StoreTimeout:  opts.StoreTimeout,
		WatchInterval: opts.WatchInterval,

		MaxIdleTimeout: opts.MaxIdleTimeout,
		MaxLifetime:    opts.MaxLifetime,

		RenewEvery:    opts.RenewEvery,
		MaxPerUser:    opts.MaxPerUser,
		RefuseOverMax: opts.RefuseOverMax,

		Hooks:  opts.Hooks.wrapped(),
		Logger: opts.Logger,
		Rules:  r,

		RecordKeyCount:    len(opts.RecordKeys),
		ReadUnsealedUntil: opts.ReadUnsealedUntil,
	})
	return &Manager{e, &edge.Middleware{
		Engine:       e,
		Rules:        r,
		CookieName:   opts.CookieName,
		Transports:   opts.transports,
		Insecure:     opts.Insecure,
		ErrorHandler: opts.ErrorHandler,
		Describe:     opts.Describe,
	}}
}

// visit is a request's session and what the edge has to know about it, in one
// piece of memory.
type visit struct {
	edge    edge.Visit
	session Session
	core    engine.Session
	at      *engine.Session // where session leads: to core
}

// Handler returns next with sessions: within it From returns the session of
// the request, which is loaded at its first use and saved before the answer's
// first byte leaves. A request whose handler does not use the session costs no
// store call and gets neither Set-Cookie nor Vary.
//
// It goes around the whole router, so that a framework's error handler is
// within. If the session fails to load or to be saved, Options.ErrorHandler
// answers, and what next writes is dropped: Write then takes all without an
// error, since httputil.ReverseProxy panics on one; Flush, ReadFrom and Hijack
// return Session.Err. If a session that is first used after the first byte
// of the answer fails to load, the connection is cut by http.ErrAbortHandler.
//
// Several Managers may serve one request, each with a cookie of its own, and with
// headers of its own in Options.Transport. A request that passes two with one name
// in common fails, and the log says so: each would overwrite the other's ticket.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		twice, met := m.middleware.Around(r.Context())
		if twice {
			next.ServeHTTP(w, r)
			return
		}
		v := new(visit)
		v.at = &v.core
		v.session.ref = hidden.At(&v.at)
		if met != nil {
			m.middleware.Refuse(w, r, met, &v.edge, &v.core, v)
			return
		}
		m.middleware.Serve(w, r, next, &v.edge, &v.core, v)
	})
}

// From returns the session of a request that has passed a Manager's Handler,
// the innermost if there are several. It touches no store. For a request that
// has passed none it panics: the Handler is missing in main.
func From(r *http.Request) *Session {
	if s, ok := FromContext(r.Context()); ok {
		return s
	}
	panic("cloakroom: From: this request has passed no Manager: in main, serve sessions.Handler(mux) instead of mux")
}

// From is the function From for programs with several Managers: it returns
// the session that m keeps.
func (m *Manager) From(r *http.Request) *Session {
	if s, ok := m.FromContext(r.Context()); ok {
		return s
	}
	panic("cloakroom: Manager.From: this request has not passed this Manager: in main, serve sessions.Handler(mux) instead of mux")
}

// FromContext returns the session of the request that ctx comes from, for code
// that gets a context alone: resolvers of GraphQL, methods of RPC, handlers of
// generated APIs. It is From without the panic: it reports false for a context
// of no request, or of one that has passed no Manager's Handler.
func FromContext(ctx context.Context) (*Session, bool) {
	if v, ok := edge.Innermost(ctx).(*visit); ok {
		return &v.session, true
	}
	return nil, false
}

// FromContext is the function FromContext for programs with several Managers:
// it returns the session that m keeps.
func (m *Manager) FromContext(ctx context.Context) (*Session, bool) {
	if v, ok := m.middleware.Own(ctx).(*visit); ok {
		return &v.session, true
	}
	return nil, false
}

// Preload is a middleware for routes that should not run at all if the session
// cannot be loaded: it loads the session first, and lets ErrorHandler answer
// if that fails. It goes inside of Handler. Without it a session is loaded at
// its first use, which should come before the first write: no header can be
// set after it that keeps caches from storing the answer, and no error page be
// sent.
func (m *Manager) Preload(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.From(r).core().Ready() {
			next.ServeHTTP(w, r)
		}
		// Otherwise Handler answers with the error, as for every failed session.
	})
}

// Passive is a middleware for routes that pages ask by themselves, such as polls
// for news: reading the session there is no use of it, and does not keep it from
// ending when the visitor has gone. Changes count as ever, and Flashes is one if
// there are messages. It goes inside of Handler, around Preload or inside of it.
func (m *Manager) Passive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.From(r).core().SetPassive()
		next.ServeHTTP(w, r)
	})
}

// Open returns the session of a ticket, without HTTP: for WebSockets, gRPC,
// jobs and tests. A ticket that is malformed, unknown or expired gives a new
// session, as in a request; Session.Ended tells what has become of the ticket. The
// error is the store's, and matches ErrUnavailable. ctx is for the load, and ends
// the watch of Session.Done. Changes are saved by Session.Save and Commit, and the
// expiry is moved on with them: a session that is opened and only read does not get a
// touch, so that looking at it does not keep it from ending.
func (m *Manager) Open(ctx context.Context, t Ticket) (*Session, error) {
	s := &Session{hidden.To(new(engine.Session))}
	if err := s.core().Open(m.engine, ctx, string(t)); err != nil {
		return nil, err
	}
	return s, nil
}

// Commit saves the changes of a session that Open returned, and moves its
// expiry on if that is due. It returns the session's ticket as it is from now
// on: empty if there is no session, because nothing was ever set, or it was
// destroyed, or it ended elsewhere. After an error the changes are still
// pending, and Commit may be called again; if the store had in fact saved
// before it failed, a step of an Update is then done twice. If ctx is done
// already and the session needs a new ticket, Commit returns the error of ctx:
// nobody would get the ticket. Otherwise it does not stop when ctx is done, only
// after Options.StoreTimeout.
func (m *Manager) Commit(ctx context.Context, s *Session) (Ticket, error) {
	if s == nil {
		return "", errors.New("cloakroom: Commit: the session is nil: Open returns none with an error")
	}
	if err := m.keeps("Commit", s); err != nil {
		return "", err
	}
	if err := s.core().Commit(ctx); err != nil {
		m.engine.Report(ctx, "", err)
		return "", err
	}
	return Ticket(s.core().Ticket()), nil
}

// Cookie returns the cookie of a session that Open returned, as of its last
// Commit, for programs that answer a browser without Handler: http.SetCookie sends
// it. It has the attributes that an answer of m would have, Max-Age where the
// session is permanent, which the ticket alone does not tell. Where there is no
// session, since s is nil or has ended or was never saved, it is the one that
// removes the cookie. An answer with either should have Cache-Control: no-store.
//
// For a session of a request, whose cookie Handler sets, and for one of another
// Manager, Cookie logs what is wrong and returns nil, which http.SetCookie does not
// send.
func (m *Manager) Cookie(s *Session) *http.Cookie {
	if s == nil {
		return m.middleware.Cookie(engine.Answer{Cookie: engine.RemoveCookie})
	}
	if err := m.keeps("Cookie", s); err != nil {
		m.engine.Report(s.core().Context(), "", err)
		return nil
	}
	return m.middleware.Cookie(s.core().Cookie())
}

// keeps returns an error unless s is a session that m.Open has returned.
func (m *Manager) keeps(op string, s *Session) error {
	switch {
	case s.core().Engine() != m.engine:
		return fmt.Errorf("cloakroom: %s: the session belongs to another Manager", op)
	case s.core().InRequest():
		return fmt.Errorf("cloakroom: %s: the session belongs to a request, which saves it by itself", op)
	}
	return nil
}
