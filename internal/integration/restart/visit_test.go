package restart_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	visitors = 4
	tabs     = 2 // of one visitor with one session
)

// A crowd are visitors who send requests as long as it lasts.
type crowd struct {
	t        *testing.T
	visitors [visitors]visitor
	tabs     []*tab
	stop     atomic.Bool
	wg       sync.WaitGroup
}

// A visitor is a browser with a session.
type visitor struct {
	client *http.Client
	// How many changes were answered 200, and of how many nobody knows.
	saved, unknown atomic.Int64
}

// A tab sends a visitor's requests, one after the other.
type tab struct {
	visitor           *visitor
	url               string
	last              int // the number that it was told last
	saved, turnedAway atomic.Int64
}

// newCrowd lets visitors in, each of whom has a session before anything
// breaks. Their tabs are spread over the services at urls.
func newCrowd(t *testing.T, urls ...string) *crowd {
	t.Helper()
	c := &crowd{t: t}
	for i := range c.visitors {
		v := &c.visitors[i]
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{MaxIdleConnsPerHost: tabs}
		t.Cleanup(transport.CloseIdleConnections)
		v.client = &http.Client{Jar: jar, Transport: transport, Timeout: 2 * time.Minute}
		for j := range tabs {
			c.tabs = append(c.tabs, &tab{visitor: v, url: urls[j%len(urls)]})
		}
		first := c.tabs[len(c.tabs)-tabs]
		for end := time.Now().Add(30 * time.Second); v.saved.Load() == 0; c.step(first) {
			if t.Failed() || time.Now().After(end) {
				t.Fatal("the service does not begin")
			}
		}
	}
	for _, tb := range c.tabs {
		c.wg.Go(func() {
			for !c.stop.Load() && !t.Failed() {
				c.step(tb)
			}
		})
	}
	t.Cleanup(func() { c.stop.Store(true); c.wg.Wait() })
	return c
}

// step sends one request that changes the session. Nothing may go wrong but that
// the service is gone.
func (c *crowd) step(tb *tab) {
	resp, err := tb.visitor.client.Post(tb.url, "", nil)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	switch {
	case err != nil:
		tb.turnAway()
	case resp.StatusCode == http.StatusOK:
		n, err := strconv.Atoi(string(body))
		if err != nil || n <= tb.last {
			c.t.Errorf("it counts %q after %d, so that acknowledged changes are lost", body, tb.last)
		}
		tb.last = n
		tb.visitor.saved.Add(1)
		tb.saved.Add(1)
	default:
		c.t.Errorf("it answers %s: %.200s", resp.Status, body)
	}
}

func (tb *tab) turnAway() {
	tb.visitor.unknown.Add(1)
	tb.turnedAway.Add(1)
	// Nobody who is turned away is back at once.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	<-ctx.Done()
}

// await waits until every tab that which picks was answered n times more.
func (c *crowd) await(what string, n int64, count func(tb *tab) *atomic.Int64, which func(tb *tab) bool) {
	c.t.Helper()
	var from []int64
	for _, tb := range c.tabs {
		from = append(from, count(tb).Load())
	}
	end := time.Now().Add(30 * time.Second)
	for i, tb := range c.tabs {
		for which(tb) && count(tb).Load() < from[i]+n {
			if c.t.Failed() || time.Now().After(end) {
				c.t.Fatalf("not every visitor sees %s", what)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func saved(tb *tab) *atomic.Int64 { return &tb.saved }
func everyTab(*tab) bool          { return true }

// goHome ends the load, and checks that each visitor finds every change that
// was answered 200.
func (c *crowd) goHome() {
	c.t.Helper()
	c.stop.Store(true)
	c.wg.Wait()
	for i := range c.visitors {
		v := &c.visitors[i]
		resp, err := v.client.Get(c.tabs[0].url)
		if err != nil {
			c.t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		n, convErr := strconv.ParseInt(string(body), 10, 64)
		if err != nil || convErr != nil || resp.StatusCode != http.StatusOK {
			c.t.Errorf("afterwards it answers %s: %.200s (%v)", resp.Status, body, err)
			continue
		}
		least := v.saved.Load()
		if n < least || n > least+v.unknown.Load() {
			c.t.Errorf("a visitor's session counts %d; %d changes were answered 200 and %d with an error", n, least, v.unknown.Load())
		}
	}
}
