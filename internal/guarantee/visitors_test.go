package guarantee_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// All guarantees, as visitors see them: random stories of visitors with
// browsers, at an application of two processes, in virtual time. A model says
// what they have to see. To play a story again, set storyEnv to it, or to the
// seed.

const (
	stories      = 5_000
	shortStories = 300
	storyEnv     = "CLOAKROOM_TEST_STORY"
)

func TestVisitors(t *testing.T) {
	t.Parallel()
	if text := os.Getenv(storyEnv); text != "" {
		var s story
		if seed, err := strconv.ParseUint(text, 10, 64); err == nil {
			s = newStory(rand.New(rand.NewPCG(seed, 0)))
		} else if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if err := tell(t, s); err != nil {
			t.Error(err)
		}
		return
	}
	n, first, told := int64(size(stories, shortStories)), uint64(time.Now().UnixNano()), atomic.Int64{}
	for worker := range runtime.GOMAXPROCS(0) {
		t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
			t.Parallel()
			for i := told.Add(1); i <= n && !t.Failed(); i = told.Add(1) {
				seed := first + uint64(i)
				s := newStory(rand.New(rand.NewPCG(seed, 0)))
				if tell(t, s) == nil {
					continue
				}
				s = shrink(s, story.smaller, func(s story) bool { return tell(t, s) != nil })
				t.Errorf("%v\n%s='%v' tells it again; it is a part of %s=%d", tell(t, s), storyEnv, s, storyEnv, seed)
			}
		})
	}
}

// An application is two processes on one store, with its visitors.
type application struct {
	store    shelf
	procs    [2]*cloakroom.Manager
	limits   [2]limit
	visitors [visitors]*cloakroomtest.Browser
	cookies  [visitors]http.Cookie // as last set, and
	gotten   [visitors]time.Time   // when
	tickets  map[string]*known
	twins    [visitors]bool // their browsers have cookies of another path
	sessions int64          // how many there have been
	err      error          // the first thing that was wrong
}

// A shelf is a store in memory that can be replaced, see passed.
type shelf struct{ *memstore.Store }

const storyCookie = "__Secure-sid" // without __Host-, so that there can be others of other paths

func (a *application) failed(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// tell tells a story, and returns what is wrong.
func tell(t *testing.T, s story) (err error) {
	synctest.Test(t, func(t *testing.T) {
		a := &application{store: shelf{memstore.New(memstore.Options{})}, tickets: map[string]*known{}}
		defer func() { a.store.Close() }()
		for i := range a.procs {
			a.start(t, i, limits[0])
		}
		for i := range a.visitors {
			a.browser(i)
		}
		for i := range s {
			time.Sleep(3 * time.Second)
			d := &s[i]
			if d.asks() {
				a.ask(d)
			} else {
				a.happen(t, d)
			}
			if a.err != nil {
				err = fmt.Errorf("deed %d, %s: %w", i, d.Do, a.err)
				return
			}
		}
	})
	return err
}

func (a *application) start(t *testing.T, i int, l limit) {
	o := unlogged()
	o.IdleTimeout, o.Lifetime, o.CookieName = l.idle, l.lifetime, storyCookie
	a.limits[i] = l
	a.procs[i] = newManager(t, &a.store, o)
}

// browser gives visitor i a new browser.
func (a *application) browser(i int) {
	a.twins[i] = false
	a.visitors[i] = cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Context().Value(stepKey{}).(http.HandlerFunc)(w, r)
	}))
}

// stepKey finds the handler of a request in its context.
type stepKey struct{}

// happen is what is no request.
func (a *application) happen(t *testing.T, d *deed) {
	b := a.visitors[d.Visitor]
	page, _ := url.Parse(b.URL + storyPath)
	other := a.held((d.Visitor + 1) % visitors)
	switch d.Do {
	case doWait:
		a.store.Store = passed(a.store.Store, waits[d.N])
	case doRestart:
		a.start(t, d.Process, limits[d.N])
	case doQuit:
		a.browser(d.Visitor)
		c := a.cookies[d.Visitor]
		if left := time.Until(a.gotten[d.Visitor].Add(time.Duration(c.MaxAge) * time.Second)); c.MaxAge > 0 && left >= time.Second {
			c.MaxAge = int(left / time.Second)
			a.visitors[d.Visitor].Client().Jar.SetCookies(page, []*http.Cookie{&c})
		}
	case doCopy, doTwin:
		if other == "" {
			return
		}
		c := http.Cookie{Name: storyCookie, Value: other, Path: "/", Secure: true}
		if d.Do == doTwin {
			c.Path = "/app"
			a.twins[d.Visitor] = true
		} else {
			a.cookies[d.Visitor] = c
		}
		b.Client().Jar.SetCookies(page, []*http.Cookie{&c})
	case doJunk:
		a.twins[d.Visitor] = true
		c := http.Cookie{Name: storyCookie, Value: []string{"junk", strings.Repeat("j", 43), strings.Repeat("j", 500)}[d.N], Path: "/app", Secure: true}
		b.Client().Jar.SetCookies(page, []*http.Cookie{&c})
	}
}

const storyPath = "/app/page"

// held returns the first ticket that a visitor's browser sends.
func (a *application) held(visitor int) string {
	for _, c := range a.visitors[visitor].Cookies(storyPath) {
		return c.Value
	}
	return ""
}

// ask makes a request, and compares what the visitor sees with the model.
func (a *application) ask(d *deed) {
	b, l, began := a.visitors[d.Visitor], a.limits[d.Process], time.Now()
	var tickets []*known
	for _, c := range b.Cookies(storyPath) {
		tickets = append(tickets, a.tickets[c.Value])
	}
	var k, flight *known // the session; where it has ended while the request was on its way
	var saw sight
	step := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		saw = look(s)
		var err error
		if k, err = find(tickets, saw.values["number"], l, began); err != nil {
			a.failed("%w", err)
			return
		}
		for _, t := range tickets {
			if k == nil && t != nil && t.inFlight(d.Fetch, began) && (flight == nil || t.next != nil) {
				flight = t
			}
		}
		if d.ends() {
			saw.ends = ends(k, flight, tickets, l, began)
		}
		a.compare(k, &saw)
		a.do(d, k, s, &saw)
		// Two processes that touch and save one record at once do not have
		// different timeouts here: which of them holds would be chance.
		if d.During != nil && a.err == nil && a.limits[d.Process].idle == a.limits[d.During.Process].idle {
			a.ask(d.During)
		}
		io.WriteString(w, "done")
	})
	m := a.procs[d.Process]
	h := m.Handler(step)
	if d.Do == doPoll {
		h = m.Handler(m.Passive(step))
	}
	ctx := context.WithValue(context.Background(), stepKey{}, http.HandlerFunc(h.ServeHTTP))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+storyPath, nil)
	if err != nil {
		a.failed("%w", err)
		return
	}
	if !d.Fetch {
		r.Header.Set("Accept", "text/html")
	}
	answer := b.Do(r)
	if a.err != nil {
		return
	}
	if answer.StatusCode != http.StatusOK || answer.Body != "done" {
		a.failed("answered with %d %q", answer.StatusCode, answer.Body)
		return
	}
	a.settle(d, k, flight, tickets, &saw, answer)
}

// A sight is what a handler has seen.
type sight struct {
	values map[string]int64
	shown  []string
	took   bool
	number int64    // of the session that it begins
	ends   []*known // the sessions that it ends
}

// ends returns the sessions that a logout ends: that of the request, or where it
// has gone, and those of tickets behind it.
func ends(k, flight *known, tickets []*known, l limit, now time.Time) (all []*known) {
	if flight != nil {
		all = append(all, flight)
	}
	if k == nil {
		return all
	}
	for _, t := range tickets[slices.Index(tickets, k):] {
		if t != nil && t.verdict(l, now) != dead {
			all = append(all, t)
		}
	}
	return all
}

func look(s *cloakroom.Session) sight {
	v := sight{values: map[string]int64{}}
	for name, value := range s.All() {
		v.values[name], _ = value.(int64)
	}
	return v
}

// compare compares what the handler has seen with the session k.
func (a *application) compare(k *known, saw *sight) {
	want := map[string]int64{}
	if k != nil {
		want = maps.Clone(k.values)
		want["number"] = k.number
	}
	if !maps.Equal(saw.values, want) {
		a.failed("sees %v, want %v", saw.values, want)
	}
}

// do does what d does to the session s, which is k.
func (a *application) do(d *deed, k *known, s *cloakroom.Session, saw *sight) {
	l, now := a.limits[d.Process], time.Now()
	if k != nil && d.Do != doPoll {
		k.used(l, now, false)
	}
	switch d.Do {
	case doSet:
		s.Set(fmt.Sprint("value ", d.N), d.N)
	case doUpdate:
		cloakroom.Key[int]("count").Update(s, func(n int) int { return n + 1 })
	case doGive:
		s.Set("coupon", d.N)
	case doFlash:
		s.Flash("info", d.message())
	case doShow:
		for _, m := range s.Flashes() {
			saw.shown = append(saw.shown, m.Message)
		}
		var want []string
		if k != nil {
			want = k.flashes
		}
		if !slices.Equal(saw.shown, want) {
			a.failed("is shown %q, want %q", saw.shown, want)
		}
	case doTake:
		_, saw.took = cloakroom.Key[int]("coupon").Take(s)
		_, want := saw.values["coupon"]
		if saw.took != want {
			a.failed("takes: %v, want %v", saw.took, want)
		}
		if k != nil && saw.took {
			delete(k.values, "coupon")
			k.saved(l, now)
		}
	case doRemember:
		s.SetPermanent(true)
	case doLogin:
		s.Regenerate()
		s.Set("user", d.N)
	case doLogout:
		s.Destroy()
	case doGoodbye:
		s.Destroy()
		s.Flash("info", d.message())
	}
	if d.begins() && (k == nil || d.Do == doGoodbye || d.Do == doLogin) {
		a.sessions++
		saw.number = a.sessions
		s.Set("number", saw.number)
	}
}

// settle brings the model to where it is when d has been saved, and compares the
// answer with it.
func (a *application) settle(d *deed, k, flight *known, tickets []*known, saw *sight, answer *cloakroomtest.Response) {
	next := a.commit(d, k, flight, saw)
	var got *http.Cookie
	for _, c := range answer.Cookies() {
		if c.Name == storyCookie && c.Path == "/" {
			got = c // of several the browser keeps the last
		}
	}
	b := a.visitors[d.Visitor]
	switch {
	case next != nil && (got == nil || got.Value == "" || a.tickets[got.Value] != nil):
		a.failed("gets no new ticket")
		return
	case next != nil:
		a.tickets[got.Value] = next
	case got == nil:
	case got.Value == "" && !d.ends():
		a.failed("the cookie is removed")
	case got.Value != "" && (a.tickets[got.Value] != k || k == nil || k.over()):
		a.failed("gets a ticket")
	}
	if got != nil && got.Value != "" {
		a.cookies[d.Visitor], a.gotten[d.Visitor] = *got, time.Now()
	}
	// The answer to a request with a single cookie cannot know that it came from
	// another path.
	if left := len(b.Cookies(storyPath)); a.twins[d.Visitor] && len(tickets) < 2 {
		return
	} else if d.ends() && next == nil && len(tickets) > 0 && left > 0 || (d.ends() || d.Do == doLogin) && next != nil && left != 1 {
		a.failed("has %d cookies afterwards", left)
	}
}

// commit changes the sessions as d does. It returns the session whose ticket the
// visitor gets, if that is a new one.
func (a *application) commit(d *deed, k, flight *known, saw *sight) (next *known) {
	l, now := a.limits[d.Process], time.Now()
	begin := func() *known {
		n := &known{number: saw.number, values: map[string]int64{}, created: now}
		n.saved(l, now)
		n.apply(d, saw.shown)
		return n
	}
	switch {
	case d.ends():
		for _, t := range saw.ends {
			if t = t.last(); !t.ended {
				t.ended, t.at = true, now
			}
		}
		if d.Do == doGoodbye {
			return begin()
		}
	case d.Do == doLogin && (k == nil || k.over()):
		if k != nil {
			flight = k
		}
		if flight == nil || flight.next != nil {
			return begin()
		}
	case d.Do == doLogin:
		n := k.copy()
		n.number = saw.number
		n.saved(l, now)
		n.apply(d, nil)
		k.next, k.at = n, now
		return n
	case k != nil && k.over(), k == nil && flight != nil:
	case k != nil:
		if d.Do != doPoll {
			k.used(l, now, true)
		}
		if d.begins() && !(d.Do == doRemember && k.permanent) || len(saw.shown) > 0 {
			k.saved(l, now)
		}
		k.apply(d, saw.shown)
	case d.begins():
		return begin()
	}
	return nil
}
