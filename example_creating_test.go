package cloakroom_test

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

var errTooMany = errors.New("too many new sessions from one network")

// New sessions are limited by the network of the client, so that a crawler without
// cookies does not fill the store: three at once here, and one more a minute. Visitors
// who have a session notice nothing, and a login is not asked about.
func ExampleHooks_creating() {
	limit := newLimiter(3, time.Minute)
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // our own load balancers
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		AnonymousIdle: 10 * time.Minute,
		Hooks: cloakroom.Hooks{Creating: func(r *http.Request) error {
			if !limit.allow(networkOf(clientOf(r, proxies)), time.Now()) {
				return errTooMany
			}
			return nil
		}},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, errTooMany) {
				w.Header().Set("Retry-After", "60")
				http.Error(w, "Please come back in a minute.", http.StatusTooManyRequests)
				return
			}
			http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	site := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("seen", r.URL.Path)
		fmt.Fprintln(w, "Welcome.")
	}))

	visit := func(b *cloakroomtest.Browser, from string) {
		r, _ := http.NewRequest("GET", b.URL+"/", nil)
		r.Header.Set("X-Forwarded-For", from)
		fmt.Print(from, ": ", b.Do(r).Body)
	}
	first := cloakroomtest.NewBrowser(site)
	visit(first, "2001:db8:1::1")
	for _, from := range []string{"2001:db8:1::2", "2001:db8:1:ff::3", "2001:db8:1::4", "2001:db8:1:100::1", "203.0.113.9, 2001:db8:1::5"} {
		visit(cloakroomtest.NewBrowser(site), from)
	}
	visit(first, "2001:db8:1::1")
	// Output:
	// 2001:db8:1::1: Welcome.
	// 2001:db8:1::2: Welcome.
	// 2001:db8:1:ff::3: Welcome.
	// 2001:db8:1::4: Please come back in a minute.
	// 2001:db8:1:100::1: Welcome.
	// 203.0.113.9, 2001:db8:1::5: Please come back in a minute.
	// 2001:db8:1::1: Welcome.
}

// clientOf returns the address of the client. Each proxy adds the address that it was
// asked from to the end of X-Forwarded-For, and anybody can send a header that says
// anything. So it goes back from the end for as long as the addresses are those of our
// own proxies: the first other one is the client's. Trust no address that is not of
// a proxy of your own, or clients choose their network themselves; and see to it that the
// service cannot be reached past the proxies.
func clientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	client := peer.Addr().Unmap()
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(said) {
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(client) }) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		client = before.Unmap().WithZone("")
	}
	return client
}

// networkOf returns what one client can be thought to have: an IPv4 network of 256
// addresses, or what a line at home gets of IPv6.
func networkOf(client netip.Addr) netip.Prefix {
	bits := 56
	if client.Is4() {
		bits = 24
	}
	network, _ := client.Prefix(bits)
	return network
}

// A limiter has a bucket of tokens for each network. There is a fixed number of
// buckets, so that its memory is bounded whoever comes: networks that share one
// share its tokens. Nobody can choose whom to share with, as the hash is seeded.
type limiter struct {
	burst float64
	every time.Duration // one more token
	seed  maphash.Seed

	mu      sync.Mutex
	buckets [1 << 16]bucket
}

type bucket struct {
	used float64
	at   time.Time // when that was so
}

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: float64(burst), every: every, seed: maphash.MakeSeed()}
}

// allow takes a token out of the network's bucket and reports whether there was one.
func (l *limiter) allow(network netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.buckets[maphash.Comparable(l.seed, network)%uint64(len(l.buckets))]
	b.used = max(0, b.used-float64(now.Sub(b.at))/float64(l.every))
	b.at = now
	if b.used > l.burst-1 {
		return false
	}
	b.used++
	return true
}
