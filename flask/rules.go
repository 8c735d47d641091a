package flask

import (
	"errors"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
)

// rules returns where Flask's ways differ from cloakroom's own. A session of
// more than maxSize bytes is not inflated.
func (c *Config) rules(maxSize int) (*rules.Rules, error) {
	r := &rules.Rules{
		Permanence: ledger.PermanentAsSet,
		EmptyEnds:  true,
		Flash:      flashList,
		Use:        rules.UseChanged,
		// Flask takes the first of several cookies, so that is also what we have
		// to go by.
		Candidates:     0,
		Cookie:         c.cookie(),
		SlidingCookie:  true,
		AlwaysRemove:   true,
		KeepReads:      true, // Flask leaves it to the cache what to make of an answer without a cookie
		AdviceInsecure: "turn SESSION_COOKIE_SECURE off",
		AdviceServer:   "a SESSION_TYPE",
		AdviceSealed: "A program that is not in Flask mode has sealed it, and Flask mode opens no sealed record: " +
			"give the two different prefixes, here by SESSION_KEY_PREFIX.",
	}
	if c.RefreshEachRequest {
		r.Use = rules.UseVisited
	}
	var err error
	switch c.Type {
	case TypeNull:
		r.Unavailable = errNull
	case TypeCookie:
		r.Permanence = ledger.PermanentAsValue
		r.Flash = flashTuple
		r.InTicket, err = c.sealCookie(maxSize)
	default:
		if c.RecordCodec().Name() == string(FormatPickle) {
			r.Flash = flashTuple
		}
		r.IDs, err = c.ids()
	}
	return r, err
}

var errNull = errors.New("the session is unavailable because no secret key was set: " +
	"set SECRET_KEY to something long, random and secret, or choose a SESSION_TYPE other than null")

// Flask flashes a tuple, and tagged JSON and pickle keep it one.
func flashTuple(category, message string) any { return Tuple{category, message} }

// msgspec has no tuples.
func flashList(category, message string) any { return []any{category, message} }

// A cookie writes the lines of Set-Cookie as Werkzeug does: the attributes in
// its order, and the expiry as a date.
type cookie struct{ name, domain, flags, deleteFlags string }

func (c *Config) cookie() *cookie {
	return &cookie{c.CookieName, c.cookieDomain(), c.cookieFlags(), c.deleteFlags()}
}

func (c *cookie) Set(ticket string, now time.Time, life time.Duration) string {
	expires := ""
	if life > 0 {
		expires = "; Expires=" + now.Add(life).UTC().Format(http.TimeFormat)
	}
	return c.name + "=" + ticket + c.domain + expires + c.flags
}

// Twins returns none: Flask takes the first cookie of the name, live or dead.
func (c *cookie) Twins(host, path string) []string { return nil }

func (c *cookie) Remove() string {
	return c.name + "=" + c.domain + "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0" + c.deleteFlags
}
