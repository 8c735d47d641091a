package cloakroom_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestNewRefuses(t *testing.T) {
	long := strings.Repeat("x", 65)
	for name, c := range map[string]struct {
		opts cloakroom.Options
		says string
	}{
		"__Host- with a Domain":           {cloakroom.Options{CookieName: "__Host-x", Domain: "example.com"}, "Options.Domain"},
		"__Host- in other case":           {cloakroom.Options{CookieName: "__hOST-x", Domain: "example.com"}, "Options.Domain"},
		"__Host- with a Path":             {cloakroom.Options{CookieName: "__Host-x", Path: "/app"}, "Options.Path"},
		"__Host- with Insecure":           {cloakroom.Options{CookieName: "__Host-x", Insecure: true}, "Options.Insecure"},
		"__Secure- with Insecure":         {cloakroom.Options{CookieName: "__Secure-x", Insecure: true}, "Options.Insecure"},
		"SameSite=None without Secure":    {cloakroom.Options{SameSite: http.SameSiteNoneMode, Insecure: true}, "SameSite=None"},
		"Partitioned without Secure":      {cloakroom.Options{Partitioned: true, Insecure: true}, "Partitioned"},
		"Partitioned without None":        {cloakroom.Options{Partitioned: true}, "SameSiteNoneMode"},
		"a relative Path":                 {cloakroom.Options{Path: "app"}, "Options.Path"},
		"a Path with attributes":          {cloakroom.Options{Path: "/; Domain=evil.example"}, "Path"},
		"a Path with a line break":        {cloakroom.Options{Path: "/\r\nX: y"}, "Path"},
		"a Domain with attributes":        {cloakroom.Options{Domain: "example.com; Path=/"}, "Domain"},
		"a Domain with a port":            {cloakroom.Options{Domain: "example.com:80"}, "Domain"},
		"a CookieName with a space":       {cloakroom.Options{CookieName: "my session"}, "CookieName"},
		"a CookieName with an equals":     {cloakroom.Options{CookieName: "a=b"}, "CookieName"},
		"a CookieName with a line break":  {cloakroom.Options{CookieName: "a\r\nb"}, "CookieName"},
		"a long CookieName":               {cloakroom.Options{CookieName: long}, "65 bytes"},
		"a negative IdleTimeout":          {cloakroom.Options{IdleTimeout: -time.Second}, "Options.IdleTimeout"},
		"a negative Lifetime":             {cloakroom.Options{Lifetime: -2}, "Options.Lifetime"},
		"a negative StoreTimeout":         {cloakroom.Options{StoreTimeout: -time.Second}, "Options.StoreTimeout"},
		"no StoreTimeout":                 {cloakroom.Options{StoreTimeout: cloakroom.NoLimit}, "Options.StoreTimeout"},
		"a negative TouchInterval":        {cloakroom.Options{TouchInterval: -time.Second}, "Options.TouchInterval"},
		"no limit at all":                 {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, Lifetime: cloakroom.NoLimit}, "must end some time"},
		"a KeyPrefix with a space":        {cloakroom.Options{KeyPrefix: "a b"}, "Options.KeyPrefix"},
		"a KeyPrefix with a line break":   {cloakroom.Options{KeyPrefix: "a\r\n"}, "Options.KeyPrefix"},
		"a KeyPrefix that fills the key":  {cloakroom.Options{KeyPrefix: strings.Repeat("x", 208)}, "at most 207"},
		"a KeyPrefix longer than any key": {cloakroom.Options{KeyPrefix: strings.Repeat("x", 300)}, "Options.KeyPrefix"},
		"a negative MaxSize":              {cloakroom.Options{MaxSize: -1}, "Options.MaxSize"},
		"a MaxSize beyond the codecs'":    {cloakroom.Options{MaxSize: codec.MaxSize + 1}, "Options.MaxSize"},
		"a codec with a map":              {cloakroom.Options{Codec: mapCodec{codec.JSON, nil}}, "make it a pointer"},
		"a short record key":              {cloakroom.Options{RecordKeys: [][]byte{[]byte("15 bytes long..")}}, "at least 16"},
		"a record key of one byte":        {cloakroom.Options{RecordKeys: [][]byte{make([]byte, 32)}}, "repeats one byte"},
	} {
		m, err := cloakroom.New(memstore.New(memstore.Options{}), c.opts)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "cloakroom: New: ") {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
	}
	if _, err := cloakroom.New(nil, cloakroom.Options{}); err == nil || !strings.Contains(err.Error(), "memstore") {
		t.Errorf("no store: %v", err)
	}
}

func TestNewCookieRefuses(t *testing.T) {
	good := [][]byte{cookieKey}
	for name, c := range map[string]struct {
		keys [][]byte
		opts cloakroom.Options
		says string
	}{
		"no key":         {nil, cloakroom.Options{}, "no key"},
		"a short key":    {[][]byte{[]byte("15 bytes long..")}, cloakroom.Options{}, "at least 16"},
		"a key twice":    {[][]byte{cookieKey, cookieKey}, cloakroom.Options{}, "the same as"},
		"record keys":    {good, cloakroom.Options{RecordKeys: good}, "Options.RecordKeys"},
		"plain IDs":      {good, cloakroom.Options{PlainIDs: true}, "Options.PlainIDs"},
		"contradictions": {good, cloakroom.Options{Partitioned: true}, "SameSiteNoneMode"},
	} {
		m, err := cloakroom.NewCookie(c.keys, c.opts)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "cloakroom: NewCookie: ") {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
	}
}

func TestNewAccepts(t *testing.T) {
	for name, opts := range map[string]cloakroom.Options{
		"zero":                {},
		"only a lifetime":     {IdleTimeout: cloakroom.NoLimit},
		"only an idle time":   {Lifetime: cloakroom.NoLimit},
		"the longest prefix":  {KeyPrefix: strings.Repeat("x", 207)},
		"the largest MaxSize": {MaxSize: codec.MaxSize},
		"the longest name":    {CookieName: strings.Repeat("x", 64)},
		"a key of 16 bytes":   {RecordKeys: [][]byte{[]byte("16 bytes long...")}},
		"__Secure- and a Domain": {
			CookieName: "__Secure-x", Domain: "example.com", Path: "/app"},
	} {
		if _, err := cloakroom.New(memstore.New(memstore.Options{}), opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsAreCopied(t *testing.T) {
	keys := [][]byte{[]byte("sixteen bytes, 1"), []byte("sixteen bytes, 2")}
	opts := cloakroom.Options{RecordKeys: keys}
	s := newLocalSite(t, opts)
	keys[0], keys[1] = nil, nil
	b := s.browser(t)
	b.ok(setUser)
	b.ok(func(s *cloakroom.Session) {
		if !s.Has("user") {
			t.Error("the session cannot be opened")
		}
	})
}

func TestDefaultLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{})
		b := s.browser(t)
		b.ok(setUser)
		for key, r := range s.records(t) {
			if !strings.HasPrefix(key, "session:") || time.Until(r.Expires) != 30*time.Minute {
				t.Errorf("the record expires in %v", time.Until(r.Expires))
			}
		}
		a := b.visit(func(s *cloakroom.Session) { s.Set("x", make([]byte, 1<<20)) })
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("more than 1 MiB: status %d", a.StatusCode)
		}
		b.ok(func(s *cloakroom.Session) { s.Set("x", make([]byte, 1<<20-200)) })
	})
}

func TestMaxSizeBoundsTheRecord(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{MaxSize: 200})
	b := s.browser(t)
	b.ok(setUser)
	a := b.visit(func(s *cloakroom.Session) { s.Set("big", strings.Repeat(hush, 50)) })
	events := s.log.take()
	last := events[len(events)-1]
	if a.StatusCode != http.StatusInternalServerError || last.name != "Error" || !strings.Contains(last.Err.Error(), "the limit is 200") {
		t.Errorf("status %d, %s %v", a.StatusCode, last.name, last.Err)
	}
	b.ok(func(s *cloakroom.Session) {
		if !s.Has("user") || s.Has("big") {
			t.Error("the session is not as it was")
		}
	})
}

// alive visits the site after each pause and tells how often the session was
// still there.
func alive(t *testing.T, opts cloakroom.Options, pauses ...time.Duration) (n int) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, opts)
		b := s.browser(t)
		b.ok(setUser)
		for _, pause := range pauses {
			time.Sleep(pause)
			b.ok(func(s *cloakroom.Session) {
				if s.Has("user") {
					n++
				}
			})
		}
	})
	return n
}

func TestSessionsEndInTime(t *testing.T) {
	const min, hour, ms = time.Minute, time.Hour, time.Millisecond
	for name, c := range map[string]struct {
		opts   cloakroom.Options
		pauses []time.Duration
		want   int
	}{
		"used within the idle timeout":          {cloakroom.Options{}, slices.Repeat([]time.Duration{29 * min}, 20), 20},
		"not used for the idle timeout":         {cloakroom.Options{}, []time.Duration{30 * min}, 0},
		"just within the idle timeout":          {cloakroom.Options{}, []time.Duration{30*min - ms}, 1},
		"used until the lifetime is over":       {cloakroom.Options{}, slices.Repeat([]time.Duration{20 * min}, 80), 71},
		"a long touch interval ends it earlier": {cloakroom.Options{IdleTimeout: hour, TouchInterval: 40 * min}, []time.Duration{39 * min, 22 * min}, 1},
		"a short one does not":                  {cloakroom.Options{IdleTimeout: hour, TouchInterval: 1}, []time.Duration{39 * min, 22 * min}, 2},
		"no idle timeout":                       {cloakroom.Options{IdleTimeout: cloakroom.NoLimit}, []time.Duration{23 * hour, 59 * min, min}, 2},
		"no lifetime":                           {cloakroom.Options{Lifetime: cloakroom.NoLimit, IdleTimeout: hour}, slices.Repeat([]time.Duration{59 * min}, 100), 100},
		"a lifetime below the idle timeout":     {cloakroom.Options{Lifetime: 10 * min}, []time.Duration{5 * min, 4 * min, min}, 2},
	} {
		if got := alive(t, c.opts, c.pauses...); got != c.want {
			t.Errorf("%s: alive at %d visits, want %d", name, got, c.want)
		}
	}
}

func TestExpiryMovesOnAtMostOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{}) // 30 minutes, a tenth is 3
		b := s.browser(t)
		b.ok(setUser)
		touches := 0
		for range 60 {
			time.Sleep(time.Minute)
			s.store.since()
			b.ok(func(s *cloakroom.Session) { s.Get("user") })
			if calls := s.store.since(); slices.Contains(calls, "Touch") {
				touches++
			}
		}
		if touches != 20 {
			t.Errorf("%d touches in an hour, want 20", touches)
		}
	})
}

func TestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{Lifetime: time.Hour})
		b := s.browser(t)
		in := func(want time.Duration) func(*cloakroom.Session) {
			return func(s *cloakroom.Session) {
				t.Helper()
				if got := time.Until(s.Expires()); got != want {
					t.Errorf("Expires in %v, want %v", got, want)
				}
			}
		}
		b.ok(in(30 * time.Minute)) // if something were set
		b.ok(setUser)
		time.Sleep(2 * time.Minute)
		b.ok(in(28 * time.Minute)) // too early to be moved on
		time.Sleep(2 * time.Minute)
		b.ok(in(30 * time.Minute)) // will be moved on
		time.Sleep(2 * time.Minute)
		b.ok(func(s *cloakroom.Session) { s.Set("x", 1); in(30 * time.Minute)(s) })
		time.Sleep(29 * time.Minute)
		b.ok(in(25 * time.Minute)) // the lifetime's end
	})
}

type mapCodec struct {
	codec.Codec
	_ map[string]int
}
