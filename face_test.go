package cloakroom_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
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
		"a negative WatchInterval":        {cloakroom.Options{WatchInterval: -time.Second}, "Options.WatchInterval"},
		"no WatchInterval":                {cloakroom.Options{WatchInterval: cloakroom.NoLimit}, "Options.WatchInterval"},
		"no StoreTimeout":                 {cloakroom.Options{StoreTimeout: cloakroom.NoLimit}, "Options.StoreTimeout"},
		"a negative TouchInterval":        {cloakroom.Options{TouchInterval: -time.Second}, "Options.TouchInterval"},
		"no limit at all":                 {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, Lifetime: cloakroom.NoLimit}, "must end some time"},
		"IdleTimeout above Lifetime":      {cloakroom.Options{IdleTimeout: 30 * 24 * time.Hour}, "720h0m0s as Options.IdleTimeout is above Lifetime, 24h0m0s, which would end sessions first: set Options.Lifetime too"},
		"IdleTimeout above a Lifetime":    {cloakroom.Options{IdleTimeout: time.Hour, Lifetime: time.Minute}, "above Lifetime, 1m0s"},
		"MaxIdleTimeout below":            {cloakroom.Options{MaxIdleTimeout: time.Minute}, "Options.MaxIdleTimeout is below IdleTimeout, 30m0s"},
		"MaxIdleTimeout where none is":    {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, MaxIdleTimeout: time.Hour}, "IdleTimeout is NoLimit"},
		"MaxIdleTimeout above":            {cloakroom.Options{MaxIdleTimeout: 48 * time.Hour}, "above MaxLifetime, 24h0m0s, which would end sessions first: set Options.MaxLifetime too"},
		"MaxLifetime below":               {cloakroom.Options{MaxLifetime: time.Hour}, "Options.MaxLifetime is below Lifetime, 24h0m0s"},
		"MaxLifetime where none is":       {cloakroom.Options{Lifetime: cloakroom.NoLimit, MaxLifetime: time.Hour}, "Lifetime is NoLimit"},
		"a negative MaxLifetime":          {cloakroom.Options{MaxLifetime: -2}, "a negative Options.MaxLifetime"},
		"a negative MaxIdleTimeout":       {cloakroom.Options{MaxIdleTimeout: -2}, "a negative Options.MaxIdleTimeout"},
		"no maximum at all":               {cloakroom.Options{MaxIdleTimeout: cloakroom.NoLimit, MaxLifetime: cloakroom.NoLimit}, "one of them must"},
		"no maximum by default":           {cloakroom.Options{Lifetime: cloakroom.NoLimit, MaxIdleTimeout: cloakroom.NoLimit}, "where one is zero it is what IdleTimeout or Lifetime is"},
		"a negative AnonymousIdle":        {cloakroom.Options{AnonymousIdle: cloakroom.NoLimit}, "a negative Options.AnonymousIdle"},
		"AnonymousIdle above IdleTimeout": {cloakroom.Options{AnonymousIdle: time.Hour}, "Options.AnonymousIdle is above IdleTimeout, 30m0s"},
		"AnonymousIdle above Lifetime":    {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, AnonymousIdle: 25 * time.Hour}, "Options.AnonymousIdle is above Lifetime, 24h0m0s"},
		"TouchInterval of IdleTimeout":    {cloakroom.Options{TouchInterval: 30 * time.Minute}, "Options.TouchInterval is not below IdleTimeout"},
		"TouchInterval above a Lifetime":  {cloakroom.Options{TouchInterval: 20 * time.Minute, Lifetime: 10 * time.Minute}, "Options.TouchInterval is not below IdleTimeout, 10m0s"},
		"TouchInterval above MaxLifetime": {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, TouchInterval: 25 * time.Hour}, "Options.TouchInterval is above MaxLifetime, 24h0m0s"},
		"a KeyPrefix with a space":        {cloakroom.Options{KeyPrefix: "a b"}, "Options.KeyPrefix"},
		"a KeyPrefix with a line break":   {cloakroom.Options{KeyPrefix: "a\r\n"}, "Options.KeyPrefix"},
		"no unit of the idle timeout":     {cloakroom.Options{IdleTimeout: 30}, "30*time.Minute"},
		"no unit of the lifetime":         {cloakroom.Options{Lifetime: 8}, "Options.Lifetime"},
		"no unit of AnonymousIdle":        {cloakroom.Options{AnonymousIdle: 5}, "Options.AnonymousIdle"},
		"renewals too often":              {cloakroom.Options{RenewEvery: time.Minute}, "Options.RenewEvery"},
		"renewals after the end":          {cloakroom.Options{RenewEvery: 48 * time.Hour}, "Options.RenewEvery"},
		"a negative MaxPerUser":           {cloakroom.Options{MaxPerUser: -1}, "Options.MaxPerUser"},
		"a KeyPrefix that fills the key":  {cloakroom.Options{KeyPrefix: strings.Repeat("x", 203)}, "at most 202"},
		"a KeyPrefix longer than any key": {cloakroom.Options{KeyPrefix: strings.Repeat("x", 300)}, "Options.KeyPrefix"},
		"a KeyPrefix of users' records":   {cloakroom.Options{KeyPrefix: "app:user:"}, "Options.KeyPrefix"},
		"a KeyPrefix of users' epochs":    {cloakroom.Options{KeyPrefix: "epoch:"}, "Options.KeyPrefix"},
		"a negative MaxSize":              {cloakroom.Options{MaxSize: -1}, "Options.MaxSize"},
		"a MaxSize beyond the codecs'":    {cloakroom.Options{MaxSize: codec.MaxSize + 1}, "Options.MaxSize"},
		"a codec with a map":              {cloakroom.Options{Codec: mapCodec{codec.JSON, nil}}, "make it a pointer"},
		"a short record key":              {cloakroom.Options{RecordKeys: [][]byte{[]byte("15 bytes long..")}}, "at least 16"},
		"unsealed without record keys":    {cloakroom.Options{ReadUnsealedUntil: time.Now()}, "Options.ReadUnsealedUntil"},
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

type mapCodec struct {
	codec.Codec
	_ map[string]int
}

func TestNewCookieRefuses(t *testing.T) {
	good := [][]byte{sitetest.CookieKey}
	for name, c := range map[string]struct {
		keys [][]byte
		opts cloakroom.Options
		says string
	}{
		"no key":         {nil, cloakroom.Options{}, "no key"},
		"a short key":    {[][]byte{[]byte("15 bytes long..")}, cloakroom.Options{}, "at least 16"},
		"a key twice":    {[][]byte{sitetest.CookieKey, sitetest.CookieKey}, cloakroom.Options{}, "the same as"},
		"record keys":    {good, cloakroom.Options{RecordKeys: good}, "Options.RecordKeys"},
		"unsealed":       {good, cloakroom.Options{ReadUnsealedUntil: time.Now()}, "Options.ReadUnsealedUntil"},
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
		"zero":                                   {},
		"only a lifetime":                        {IdleTimeout: cloakroom.NoLimit},
		"only an idle time":                      {Lifetime: cloakroom.NoLimit},
		"a Lifetime below the usual IdleTimeout": {Lifetime: time.Minute},
		"IdleTimeout of Lifetime":                {IdleTimeout: 24 * time.Hour},
		"both longer":                            {IdleTimeout: 720 * time.Hour, Lifetime: 720 * time.Hour},
		"both maximums longer":                   {MaxIdleTimeout: 720 * time.Hour, MaxLifetime: 720 * time.Hour},
		"no maximum of the timeout":              {MaxIdleTimeout: cloakroom.NoLimit},
		"no maximum of the lifetime":             {MaxLifetime: cloakroom.NoLimit, MaxIdleTimeout: 720 * time.Hour},
		"AnonymousIdle alone":                    {IdleTimeout: cloakroom.NoLimit, AnonymousIdle: time.Minute},
		"the longest prefix":                     {KeyPrefix: strings.Repeat("x", 202)},
		"the largest MaxSize":                    {MaxSize: codec.MaxSize},
		"the longest name":                       {CookieName: strings.Repeat("x", 64)},
		"a key of 16 bytes":                      {RecordKeys: [][]byte{[]byte("16 bytes long...")}},
		"a ReadUnsealedUntil that has passed": {
			RecordKeys: [][]byte{[]byte("16 bytes long...")}, ReadUnsealedUntil: time.Unix(1, 0)},
		"__Secure- and a Domain": {
			CookieName: "__Secure-x", Domain: "example.com", Path: "/app"},
	} {
		if _, err := cloakroom.New(memstore.New(memstore.Options{}), opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTransportsAreChecked(t *testing.T) {
	type list = []cloakroom.Transport
	const cookie, bearer = cloakroom.TransportCookie, cloakroom.TransportBearer
	for _, c := range []struct {
		transport list
		says      string // empty: accepted
	}{
		{nil, ""}, {list{cookie}, ""}, {list{bearer}, ""}, {list{bearer, "X-Session", cookie}, ""}, {list{"session-ticket", bearer}, ""},
		{list{"authorization", "COOKIE"}, ""}, {list{cloakroom.Transport(strings.Repeat("x", 64))}, ""},
		{list{}, "without transports"},
		{list{cookie, cookie}, "twice"}, {list{bearer, "authorization"}, "twice"}, {list{"x-session", "X-Session"}, "twice"},
		{list{""}, "no name"}, {list{"Bearer "}, "no name"}, {list{"X Session"}, "no name"}, {list{"X:Y"}, "no name"},
		{list{"X\r\nY"}, "no name"}, {list{"Sitzungsmärke"}, "no name"}, {list{cloakroom.Transport(strings.Repeat("x", 65))}, "65 bytes"},
		{list{"Set-Cookie"}, "something else"}, {list{"host"}, "something else"}, {list{"Connection"}, "something else"},
		{list{"TE"}, "something else"}, {list{"Transfer-Encoding"}, "something else"}, {list{"Proxy-Authorization"}, "something else"},
		{list{"Content-Type"}, "something else"}, {list{"WWW-Authenticate"}, "something else"}, {list{"Vary"}, "something else"},
		{list{"Cache-Control"}, "something else"}, {list{"CDN-Cache-Control"}, "something else"}, {list{"Sec-Ticket"}, "something else"},
		{list{"X-Forwarded-For"}, "something else"}, {list{"X-Accel-Redirect"}, "something else"}, {list{"Location"}, "something else"},
		{list{"Access-Control-Allow-Origin"}, "something else"}, {list{"Surrogate-Control"}, "something else"}, {list{"ETag"}, "something else"},
		{list{cookie, "Upgrade"}, "something else"},
	} {
		_, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Transport: c.transport})
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%q: %v", c.transport, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), "Options.Transport: ") || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: %v, want an error that says %q", c.transport, err, c.says)
		}
	}
}

func TestOptionsAreCopied(t *testing.T) {
	keys := [][]byte{[]byte("sixteen bytes, 1"), []byte("sixteen bytes, 2")}
	opts := cloakroom.Options{RecordKeys: keys}
	s := sitetest.New(t, opts)
	keys[0], keys[1] = nil, nil
	b := s.Known(t)
	b.OK(sitetest.Has(t, "by keys that were changed later", true))
}

func TestFromWithoutManagerSaysWhatIsMissing(t *testing.T) {
	other, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if got, ok := recover().(string); !ok || !strings.Contains(got, "in main, serve sessions.Handler(mux) instead of mux") {
				t.Errorf("%s panics with %q", name, got)
			}
		}()
		f()
	}
	r := httptest.NewRequest("GET", "/", nil)
	panics("From", func() { cloakroom.From(r) })
	panics("Manager.From", func() { other.From(r) })
	sitetest.New(t, cloakroom.Options{}).Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		panics("Manager.From of another Manager", func() { other.From(r) })
	})
}

// What a request prints or logs of a session is its handle at most.
func TestSessionsPrintAsTheirHandle(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { sitetest.SetUser(s); s.Flash("a", sitetest.Hush+"flash") })
	b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		session.Set("more", sitetest.Hush+"more")
		for _, text := range append(printtest.Prints(session), printtest.Prints(r.Context())...) {
			if strings.Contains(text, sitetest.Hush) || strings.Contains(text, b.Ticket()) || strings.Contains(text, "104 117 115 104") || strings.Contains(text, "0x68, 0x75") {
				t.Errorf("printed as %.200q", text)
			}
		}
		if text := printtest.Prints(session)[0]; !strings.Contains(text, session.Handle()) {
			t.Errorf("printed as %q, want the handle", text)
		}
		io.WriteString(w, "done")
	})
}

func TestPrintingASessionLoadsNothing(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Calls()
	b.OK(func(s *cloakroom.Session) { printtest.Prints(s) })
	sitetest.Equal(t, "store calls", s.Calls())
}
