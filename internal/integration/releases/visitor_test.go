package releases_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/integration/releases/service"
	"github.com/cloakroom/cloakroom/store"
)

const (
	precision = time.Second // of the stores' expiries

	visitors = 4
	visits   = 150
)

// A reply is what a release has answered.
type reply struct {
	service.Answer
	status  int
	ticket  string // that the answer sets
	removed bool   // the cookie
}

// send sends a request with a ticket, which may be empty.
func (s *site) send(ctx context.Context, to release, path, ticket string, form url.Values) (p reply, err error) {
	r, err := http.NewRequestWithContext(ctx, "POST", s.urls[to]+path+"?"+form.Encode(), nil)
	if err != nil {
		return p, err
	}
	if ticket != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: ticket})
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	p.status = resp.StatusCode
	for _, c := range resp.Cookies() {
		p.ticket, p.removed = c.Value, c.MaxAge < 0
	}
	if p.status == http.StatusOK && path != "/held" && path != "/let-go" {
		err = json.NewDecoder(resp.Body).Decode(&p.Answer)
	}
	return p, err
}

// storeKey returns the key of a ticket's record, see docs/architecture.md.
func storeKey(ticket string) string {
	sum := sha256.Sum256([]byte("session\x00" + ticket))
	return "session:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// A visitor sends each request to one release or the other, and knows what must
// be in the session.
type visitor struct {
	*site
	t    *testing.T
	rand *rand.Rand

	ticket  string
	ended   []string // tickets that open nothing
	user    string
	steps   int
	values  map[string]string
	flashes []string
	writes  int // so that each is another one
}

// Visitors who take one step after the other find all that they have done, by
// whichever release.
func (s *site) testVisits(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range visitors {
		seed := rand.Uint64()
		v := &visitor{site: s, t: t, rand: rand.New(rand.NewPCG(seed, 0)), values: map[string]string{}}
		wg.Go(func() {
			for n := 0; n < visits && !t.Failed(); n++ {
				if err := v.step(); err != nil {
					t.Errorf("visitor %d with the seed %d, step %d: %v", i, seed, n, err)
				}
			}
		})
	}
}

func (v *visitor) step() error {
	steps := []struct {
		weight int
		do     func() error
	}{
		{10, v.change}, {5, v.read}, {4, v.changeTogether}, {2, v.login}, {1, v.logout},
		{2, v.changeBesideLogin}, {1, v.changeBesideLogout}, {1, v.twoLogins}, {2, v.old}, {2, v.wait},
	}
	sum := 0
	for _, s := range steps {
		sum += s.weight
	}
	n := v.rand.IntN(sum)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			return s.do()
		}
	}
	return nil
}

func (v *visitor) either() release { return release(v.rand.IntN(2)) }

// A change is one request that changes the session.
type change struct {
	path string
	form url.Values
	done func(*visitor) // notes it
}

func (v *visitor) anyChange() change {
	v.writes++
	text := strconv.Itoa(v.writes)
	switch v.rand.IntN(3) {
	case 0:
		name := strconv.Itoa(v.rand.IntN(5)) + text // two at once have two names
		return change{"/set", url.Values{"name": {name}, "value": {text}}, func(v *visitor) { v.values[name] = text }}
	case 1:
		return change{"/step", nil, func(v *visitor) { v.steps++ }}
	default:
		return change{"/flash", url.Values{"value": {text}}, func(v *visitor) { v.flashes = append(v.flashes, text) }}
	}
}

// ask sends a request that must be answered 200, and takes its cookie.
func (v *visitor) ask(to release, path string, form url.Values) (reply, error) {
	p, err := v.send(v.t.Context(), to, path, v.ticket, form)
	if err == nil && p.status != http.StatusOK {
		err = fmt.Errorf("the answer's status is %d", p.status)
	}
	if err != nil {
		return p, fmt.Errorf("%s at %s: %w", path, to, err)
	}
	v.take(p)
	return p, nil
}

func (v *visitor) take(p reply) {
	if p.ticket == "" && !p.removed {
		return
	}
	if v.ticket != "" && p.ticket != v.ticket {
		v.ended = append(v.ended, v.ticket)
	}
	v.ticket = p.ticket
}

// check compares what a release says with what must be in the session.
func (v *visitor) check(p reply, to release, path string) error {
	if p.User != v.user || p.Steps != v.steps || !maps.Equal(p.Values, v.values) {
		return fmt.Errorf("%s at %s: it says %+v, want the user %q, %d steps and the values %v", path, to, p.Answer, v.user, v.steps, v.values)
	}
	return nil
}

func (v *visitor) change() error {
	c, to := v.anyChange(), v.either()
	p, err := v.ask(to, c.path, c.form)
	if err != nil {
		return err
	}
	c.done(v)
	return v.check(p, to, c.path)
}

// read looks at all there is, and takes the flash messages out.
func (v *visitor) read() error {
	to := v.either()
	p, err := v.ask(to, "/flashes", nil)
	if err != nil {
		return err
	}
	if err := v.check(p, to, "/flashes"); err != nil {
		return err
	}
	got := slices.Sorted(slices.Values(p.Flashes)) // those of two requests at once have no order
	if !slices.Equal(got, slices.Sorted(slices.Values(v.flashes))) {
		return fmt.Errorf("/flashes at %s: it says %v, want %v", to, p.Flashes, v.flashes)
	}
	v.flashes = nil
	return nil
}

// together sends two requests with the visitor's ticket at the same time, one to
// each release.
func (v *visitor) together(pathA string, formA url.Values, pathB string, formB url.Values) (a, b reply, toA release, err error) {
	toA = v.either()
	var errA, errB error
	var wg sync.WaitGroup
	wg.Go(func() { a, errA = v.send(v.t.Context(), toA, pathA, v.ticket, formA) })
	wg.Go(func() { b, errB = v.send(v.t.Context(), toA.other(), pathB, v.ticket, formB) })
	wg.Wait()
	if err = errors.Join(errA, errB); err != nil {
		err = fmt.Errorf("%s at %s beside %s: %w", pathA, toA, pathB, err)
	}
	return a, b, toA, err
}

func (v *visitor) changeTogether() error {
	if v.ticket == "" {
		return v.change()
	}
	one, two := v.anyChange(), v.anyChange()
	a, b, toA, err := v.together(one.path, one.form, two.path, two.form)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || b.status != http.StatusOK || a.ticket != "" && a.ticket != v.ticket || b.ticket != "" && b.ticket != v.ticket {
		return fmt.Errorf("%s at %s beside %s: the answers are %d and %d, the tickets were changed: %v, %v",
			one.path, toA, two.path, a.status, b.status, a.ticket != "", b.ticket != "")
	}
	one.done(v)
	two.done(v)
	return v.read()
}

func (v *visitor) login() error {
	v.writes++
	name, to, had := fmt.Sprint("user ", v.writes), v.either(), v.ticket
	p, err := v.ask(to, "/login", url.Values{"value": {name}})
	if err != nil {
		return err
	}
	if p.ticket == "" || p.ticket == had {
		return fmt.Errorf("a login at %s gives no new ticket", to)
	}
	v.user = name
	return v.check(p, to, "/login")
}

func (v *visitor) logout() error {
	if v.ticket == "" {
		return nil
	}
	to := v.either()
	p, err := v.ask(to, "/logout", nil)
	if err != nil {
		return err
	}
	if !p.removed {
		return fmt.Errorf("a logout at %s leaves the cookie", to)
	}
	v.forget()
	return v.old()
}

// forget notes that the session has ended.
func (v *visitor) forget() {
	if v.ticket != "" {
		v.ended = append(v.ended, v.ticket)
	}
	v.ticket, v.user, v.steps, v.flashes = "", "", 0, nil
	clear(v.values)
}

// old tries a ticket that was replaced or logged out: it opens nothing, and
// visits bring nothing back.
func (v *visitor) old() error {
	if len(v.ended) == 0 {
		return nil
	}
	ticket := v.ended[v.rand.IntN(len(v.ended))]
	if v.rand.IntN(2) == 0 {
		ticket = v.ended[len(v.ended)-1]
	}
	for _, to := range []release{older, newer} {
		if err := v.opensNothing(to, ticket); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) opensNothing(to release, ticket string) error {
	p, err := s.send(context.Background(), to, "/read", ticket, nil)
	switch {
	case err != nil:
		return err
	case p.status != http.StatusOK:
		return fmt.Errorf("%s answers an old ticket with %d", to, p.status)
	case p.User != "" || p.Steps != 0 || len(p.Values) > 0:
		return fmt.Errorf("an old ticket opens %+v at %s", p.Answer, to)
	case p.ticket != "":
		return fmt.Errorf("%s answers an old ticket with a new one", to)
	}
	return nil
}

// changeBesideLogin changes the session at one release while the visitor logs in
// at the other. The change may be dropped, but not done half.
func (v *visitor) changeBesideLogin() error {
	if v.ticket == "" {
		return v.login()
	}
	v.writes++
	user := fmt.Sprint("user ", v.writes)
	c, old := v.anyChange(), v.ticket
	in, changed, at, err := v.together("/login", url.Values{"value": {user}}, c.path, c.form)
	if err != nil {
		return err
	}
	if in.status != http.StatusOK || in.ticket == "" {
		return fmt.Errorf("a login at %s is answered %d, with a ticket: %v", at, in.status, in.ticket != "")
	}
	if err := v.status(changed, at.other()); err != nil {
		return fmt.Errorf("beside a login: %w", err)
	}
	v.ticket, v.user = in.ticket, user
	v.ended = append(v.ended, old)
	if err := v.oneOf(c); err != nil {
		return fmt.Errorf("after a login at %s beside a change: %w", at, err)
	}
	return v.old()
}

// status checks the answer to a request that was in flight when its session
// ended or moved on.
func (v *visitor) status(p reply, to release) error {
	if p.status == http.StatusOK || to == older && (p.status == http.StatusInternalServerError || p.status == http.StatusServiceUnavailable) {
		return nil
	}
	return fmt.Errorf("a change at %s is answered %d", to, p.status)
}

// oneOf checks that the session is as it was or as a change makes it, and that
// both releases say the same.
func (v *visitor) oneOf(c change) error {
	p, err := v.ask(v.either(), "/flashes", nil)
	if err != nil {
		return err
	}
	with := *v
	with.values = maps.Clone(v.values)
	with.flashes = slices.Clone(v.flashes)
	c.done(&with)
	for _, m := range []*visitor{v, &with} {
		if p.User == m.user && p.Steps == m.steps && maps.Equal(p.Values, m.values) &&
			slices.Equal(slices.Sorted(slices.Values(p.Flashes)), slices.Sorted(slices.Values(m.flashes))) {
			v.steps, v.values, v.flashes = m.steps, m.values, nil
			return v.read()
		}
	}
	return fmt.Errorf("the session holds %+v, want the user %q, %d steps, the values %v and the messages %v, or these and one change", p.Answer, v.user, v.steps, v.values, v.flashes)
}

func (v *visitor) changeBesideLogout() error {
	if v.ticket == "" {
		return v.change()
	}
	c := v.anyChange()
	out, changed, at, err := v.together("/logout", nil, c.path, c.form)
	if err != nil {
		return err
	}
	if out.status != http.StatusOK || !out.removed {
		return fmt.Errorf("a logout at %s is answered %d, and removes the cookie: %v", at, out.status, out.removed)
	}
	if err := v.status(changed, at.other()); err != nil {
		return fmt.Errorf("beside a logout: %w", err)
	}
	v.forget()
	if changed.ticket != "" { // it began after the logout: a new session
		p, err := v.send(v.t.Context(), v.either(), "/flashes", changed.ticket, nil)
		if err != nil || p.User != "" || p.Steps+len(p.Values)+len(p.Flashes) > 1 {
			return fmt.Errorf("a change beside a logout at %s has revived %+v, %v", at, p.Answer, err)
		}
	}
	return v.old()
}

// twoLogins logs in at both releases at once. The visitor follows any answer
// with a ticket, and is logged in by one.
func (v *visitor) twoLogins() error {
	if v.ticket == "" {
		return v.login()
	}
	before := v.ticket
	a, b, at, err := v.together("/login", url.Values{"value": {"A"}}, "/login", url.Values{"value": {"B"}})
	if err != nil {
		return err
	}
	v.forget()
	for _, in := range []struct {
		reply
		at   release
		user string
	}{{a, at, "A"}, {b, at.other(), "B"}} {
		if err := v.status(in.reply, in.at); err != nil {
			return fmt.Errorf("two logins: %w", err)
		}
		if in.ticket == "" {
			continue
		}
		if in.ticket == before {
			return fmt.Errorf("two logins: %s keeps the old ticket", in.at)
		}
		for _, to := range []release{older, newer} {
			p, err := v.send(v.t.Context(), to, "/read", in.ticket, nil)
			if err != nil || p.status != http.StatusOK || p.User != in.user {
				return fmt.Errorf("two logins: the ticket of %s opens %+v at %s: %d, %v", in.at, p.Answer, to, p.status, err)
			}
			v.ticket, v.user, v.steps, v.values = in.ticket, in.user, p.Steps, p.Values
		}
	}
	if v.ticket == "" {
		return fmt.Errorf("two logins: nobody is logged in: %d at %s, %d at the other", a.status, at, b.status)
	}
	p, err := v.ask(v.either(), "/flashes", nil)
	if err != nil {
		return err
	}
	return errors.Join(v.check(p, older, "/flashes"), v.old())
}

// wait lets time pass, which nobody waits for: the record's expiry comes nearer.
// The next use at either release moves it on, and the other one has nothing to
// do then.
func (v *visitor) wait() error {
	if v.ticket == "" {
		return nil
	}
	key := storeKey(v.ticket)
	if err := v.hurry(key, idle/5+time.Duration(v.rand.Int64N(int64(idle*3/4)))); err != nil {
		return err
	}
	first := v.either()
	p, err := v.ask(first, "/read", nil)
	if err == nil {
		err = v.check(p, first, "/read")
	}
	if err != nil {
		return err
	}
	rec, err := v.store.Load(v.t.Context(), key)
	if err != nil {
		return fmt.Errorf("after a use at %s: %w", first, err)
	}
	if left := time.Until(rec.Expires); left < idle*9/10 || left > idle+precision {
		return fmt.Errorf("after a use at %s the session has %v left, want %v", first, left, idle)
	}
	if p, err = v.ask(first.other(), "/read", nil); err == nil {
		err = v.check(p, first.other(), "/read")
	}
	if err != nil {
		return err
	}
	if p.ticket != "" {
		return nil // a cookie that lasts is sent again, which the record notes
	}
	again, err := v.store.Load(v.t.Context(), key)
	if err != nil || again.Expires.Sub(rec.Expires).Abs() > precision || !bytes.Equal(again.Data, rec.Data) {
		return fmt.Errorf("after a use at %s one at the other release changes the record, which is not due: %v", first, err)
	}
	return nil
}

// hurry makes a record expire so much earlier.
func (s *site) hurry(key string, by time.Duration) error {
	return s.rewrite(key, func(rec *store.Record) { rec.Expires = rec.Expires.Add(-by) })
}

// rewrite changes a record behind everybody's back.
func (s *site) rewrite(key string, change func(*store.Record)) error {
	rec, err := s.store.Load(context.Background(), key)
	if err != nil {
		return err
	}
	next := store.Record{Data: rec.Data, Expires: rec.Expires}
	change(&next)
	_, err = s.store.Save(context.Background(), key, rec, next)
	return err
}
