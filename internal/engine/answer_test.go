package engine

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
)

// TestWhenACookieGoesOut is the whole of Session.cookie, without a store.
func TestWhenACookieGoesOut(t *testing.T) {
	session := func(ticket string, permanent bool) version {
		return version{Base: ledger.Base{Codec: codec.MsgPack, Permanent: permanent}, ticket: ticket}
	}
	flask := rules.Rules{SlidingCookie: true, EmptyEnds: true}
	for _, tt := range []struct {
		name     string
		rules    rules.Rules
		held     ticketState // by the visitor
		version  version     // after the commit
		outcome  outcome
		ended    bool
		deadTwin bool
		forever  bool // no Lifetime
		want     CookieChange
	}{
		{name: "no session, none before", want: KeepCookie},
		{name: "a new session", version: session("new", false), outcome: stored, want: SetCookie},
		{name: "a session that was only read", held: ticketState{"t", false}, version: session("t", false), want: KeepCookie},
		{name: "a session that was changed", held: ticketState{"t", false}, version: session("t", false), outcome: stored, want: KeepCookie},
		{name: "a new ID", held: ticketState{"t", false}, version: session("new", false), outcome: stored, want: SetCookie},
		{name: "it has become permanent", held: ticketState{"t", false}, version: session("t", true), outcome: stored, want: SetCookie},
		{name: "it is permanent no more", held: ticketState{"t", true}, version: session("t", false), outcome: stored, want: SetCookie},
		{name: "a permanent session that was touched", held: ticketState{"t", true}, version: session("t", true), outcome: touched, want: KeepCookie},
		{name: "the same without a lifetime", held: ticketState{"t", true}, version: session("t", true), outcome: touched, forever: true, want: SetCookie},
		{name: "until the browser ends, touched", held: ticketState{"t", false}, version: session("t", false), outcome: touched, forever: true, want: KeepCookie},
		{name: "a dead twin came too", held: ticketState{"t", false}, version: session("t", false), deadTwin: true, want: SetCookie},
		{name: "only dead ones came", deadTwin: true, want: KeepCookie},
		{name: "a logout", held: ticketState{"t", false}, ended: true, want: RemoveCookie},
		{name: "a logout that the store did not take", held: ticketState{"t", false}, want: KeepCookie},
		{name: "a logout and a new session", held: ticketState{"t", false}, version: session("new", false), outcome: stored, ended: true, want: SetCookie},
		{name: "ended elsewhere", held: ticketState{"t", false}, outcome: gone, want: KeepCookie},
		{name: "never anything in it", outcome: emptied, want: KeepCookie},

		{name: "Flask: a change", rules: flask, held: ticketState{"t", false}, version: session("t", false), outcome: stored, want: SetCookie},
		{name: "Flask: a read", rules: flask, held: ticketState{"t", true}, version: session("t", true), want: KeepCookie},
		{name: "Flask: a use of a permanent session", rules: flask, held: ticketState{"t", true}, version: session("t", true), outcome: used, forever: true, want: SetCookie},
		{name: "Flask: a use of one that is not", rules: flask, held: ticketState{"t", false}, version: session("t", false), outcome: used, forever: true, want: KeepCookie},
		{name: "Flask: emptied", rules: flask, held: ticketState{"t", true}, outcome: emptied, want: RemoveCookie},
		{name: "Flask: ended elsewhere", rules: flask, held: ticketState{"t", true}, outcome: gone, want: KeepCookie},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &Engine{Config: Config{Rules: &tt.rules, Lifetime: time.Hour}}
			if tt.forever {
				e.Lifetime = NoLimit
			}
			s := &Session{e: e, held: tt.held, version: tt.version, outcome: tt.outcome, ended: tt.ended, deadTwin: tt.deadTwin}
			if got := s.cookie(); got != tt.want {
				t.Errorf("cookie = %d, want %d", got, tt.want)
			}
		})
	}
}
