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
		version  version // after the commits
		reissued bool    // by them
		outcome  outcome
		ended    bool
		forever  bool // no Lifetime
		want     CookieChange
	}{
		{name: "no session, none before", want: KeepCookie},
		{name: "a new session", version: session("new", false), reissued: true, outcome: stored, want: SetCookie},
		{name: "a session that was only read", version: session("t", false), want: KeepCookie},
		{name: "a session that was changed", version: session("t", false), outcome: stored, want: KeepCookie},
		{name: "a new ID", version: session("new", false), reissued: true, outcome: stored, want: SetCookie},
		{name: "it has become permanent", version: session("t", true), reissued: true, outcome: stored, want: SetCookie},
		{name: "it is permanent no more", version: session("t", false), reissued: true, outcome: stored, want: SetCookie},
		{name: "a permanent session that was touched", version: session("t", true), outcome: touched, want: KeepCookie},
		{name: "the same without a lifetime", version: session("t", true), outcome: touched, forever: true, want: KeepCookie},
		{name: "until the browser ends, touched", version: session("t", false), outcome: touched, forever: true, want: KeepCookie},
		{name: "a logout", ended: true, want: RemoveCookie},
		{name: "a logout that the store did not take", want: KeepCookie},
		{name: "a logout and a new session", version: session("new", false), reissued: true, outcome: stored, ended: true, want: SetCookie},
		{name: "ended elsewhere", outcome: endedElsewhere, want: KeepCookie},
		{name: "never anything in it", outcome: emptied, want: KeepCookie},

		{name: "Flask: a change", rules: flask, version: session("t", false), outcome: stored, want: SetCookie},
		{name: "Flask: a read", rules: flask, version: session("t", true), want: KeepCookie},
		{name: "Flask: a use of a permanent session", rules: flask, version: session("t", true), outcome: notDue, forever: true, want: SetCookie},
		{name: "Flask: a use of one that is not", rules: flask, version: session("t", false), outcome: notDue, forever: true, want: KeepCookie},
		{name: "Flask: emptied", rules: flask, outcome: emptied, want: RemoveCookie},
		{name: "Flask: ended elsewhere", rules: flask, outcome: endedElsewhere, want: KeepCookie},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &Engine{Config: Config{Rules: &tt.rules, Lifetime: time.Hour}}
			if tt.forever {
				e.Lifetime = NoLimit
			}
			s := &Session{e: e, version: tt.version, reissued: tt.reissued, loggedOut: tt.ended}
			if got := s.cookie(tt.outcome); got != tt.want {
				t.Errorf("cookie = %d, want %d", got, tt.want)
			}
		})
	}
}
