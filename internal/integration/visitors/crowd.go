package visitors

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	visitorCount = 8
	tabCount     = 2
	stepsOfAStay = 8                // of the tab that logs out
	patience     = 90 * time.Second // Sentinels take their time on a busy machine
)

// A Crowd is many visitors at work. Each logs in, writes from two tabs at the
// same time, logs out in the middle of it, and begins again; every other one
// stays logged in. They take two answers, 200 and 503, and check after each
// what they find in their session: what was answered 200 must be there, what
// was answered 503 may be. A ticket that was logged out must open nothing.
type Crowd struct {
	service *Service
	client  *http.Client
	stop    chan struct{}
	wg      sync.WaitGroup

	gone    atomic.Int64 // odd while the servers are away
	forgets atomic.Bool  // the store may have lost everything

	all [visitorCount]*visitor

	mu    sync.Mutex
	wrong map[string]int
}

// Enter lets a crowd into the service.
func Enter(t testing.TB, s *Service) *Crowd {
	c := &Crowd{service: s, stop: make(chan struct{}), wrong: map[string]int{},
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: visitorCount * tabCount}}}
	for i := range c.all {
		c.all[i] = &visitor{c: c, name: fmt.Sprintf("visitor %d", i), stays: i%2 == 1}
		c.wg.Go(c.all[i].live)
	}
	t.Cleanup(c.client.CloseIdleConnections)
	return c
}

// Away says that the servers do not answer from now on, until Back: then every
// request that both begins and ends in this time must be answered 503.
func (c *Crowd) Away() { c.gone.Add(1) }

// Back says that the servers may answer again.
func (c *Crowd) Back() { c.gone.Add(1) }

// Forgets says that the store may forget sessions from now on.
func (c *Crowd) Forgets() { c.forgets.Store(true) }

// GoesOn waits until every visitor has some more changes answered by 200, and
// those who do not stay a logout.
func (c *Crowd) GoesOn(t testing.TB) {
	t.Helper()
	c.each(t, "a change is answered by 200", 5, func(v *visitor) int64 { return v.done.Load() })
	c.each(t, "a logout is answered by 200", 1, func(v *visitor) int64 {
		if v.stays {
			return v.done.Load()
		}
		return v.left.Load()
	})
}

// Refused waits until every visitor has been answered 503.
func (c *Crowd) Refused(t testing.TB) {
	t.Helper()
	c.each(t, "a request is answered by 503", 2, func(v *visitor) int64 { return v.refused.Load() })
}

// SomeRefused waits until any visitor has been answered 503.
func (c *Crowd) SomeRefused(t testing.TB) {
	t.Helper()
	count := func() (n int64) {
		for _, v := range c.all {
			n += v.refused.Load()
		}
		return n
	}
	want := count() + 2
	for end := time.Now().Add(patience); count() < want && !c.anyWrong(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %v: a request is answered by 503", patience)
		}
	}
}

func (c *Crowd) each(t testing.TB, what string, more int64, count func(*visitor) int64) {
	t.Helper()
	var want [visitorCount]int64
	for i, v := range c.all {
		want[i] = count(v) + more
	}
	end := time.Now().Add(patience)
	for i, v := range c.all {
		for count(v) < want[i] {
			if time.Now().After(end) {
				t.Fatalf("%s: not after %v: %s", v.name, patience, what)
			}
			if c.anyWrong() {
				return // Leave tells
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// Leave ends the visits, once all servers are back, and checks what is left.
func (c *Crowd) Leave(t testing.TB) {
	t.Helper()
	close(c.stop)
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for text, n := range c.wrong {
		t.Errorf("wrong, %d times: %s", n, text)
	}
	var done, refused, left int64
	for _, v := range c.all {
		done, refused, left = done+v.done.Load(), refused+v.refused.Load(), left+v.left.Load()
	}
	t.Logf("%d changes and %d logouts were answered by 200, %d requests by 503", done, left, refused)
}

func (c *Crowd) blame(v *visitor, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong[v.name+": "+err.Error()]++
}

func (c *Crowd) anyWrong() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wrong) > 0
}

func (c *Crowd) over() bool {
	select {
	case <-c.stop:
		return true
	default:
		return c.anyWrong()
	}
}

// send sends a request and returns the ticket that the answer sets, if any.
func (c *Crowd) send(method, path, ticket string, form url.Values, into any) (newTicket string, err error) {
	before := c.gone.Load()
	r, err := http.NewRequest(method, c.service.URL+path+"?"+form.Encode(), nil)
	if err != nil {
		return "", err
	}
	if ticket != "" {
		r.Header.Set("Cookie", "session="+ticket)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	for _, cookie := range resp.Cookies() {
		if cookie.Name == "session" {
			newTicket = cookie.Value
		}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if before%2 == 1 && before == c.gone.Load() {
			return "", fmt.Errorf("%s %s is answered by 200 without a server", method, path)
		}
		if into != nil {
			err = json.NewDecoder(resp.Body).Decode(into)
		}
		return newTicket, err
	case http.StatusServiceUnavailable:
		if resp.Header.Get("Retry-After") == "" {
			return "", errors.New("a 503 without Retry-After")
		}
		return newTicket, errRefused
	}
	return "", fmt.Errorf("%s %s is answered by %s", method, path, strings.ToLower(resp.Status))
}
