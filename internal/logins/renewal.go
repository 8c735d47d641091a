package logins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// A site is an application on a store that others may use too.
type site struct {
	schedule // of which only what knows of keys and records is used
	m        *cloakroom.Manager
}

func newSite(s store.Store, prefix string) (*site, error) {
	m, err := cloakroom.New(s, cloakroom.Options{
		PlainIDs:     true,
		KeyPrefix:    prefix,
		RenewEvery:   time.Hour,
		StoreTimeout: 2 * time.Minute, // however many wait for the same record
		Logger:       slog.New(slog.DiscardHandler),
	})
	return &site{schedule: schedule{store: s, prefix: cmp.Or(prefix, cloakroom.DefaultKeyPrefix), places: map[string]*place{}}, m: m}, err
}

// visit makes a request with a ticket, and returns the ticket that was handed out, if
// there was one.
func (s *site) visit(ticket string, use func(*cloakroom.Session)) (next string, err error) {
	w := &network{header: http.Header{}, answered: func(code int, set bool, ticket string) {
		if next = ticket; code != http.StatusOK {
			err = fmt.Errorf("answered with %d", code)
		}
	}}
	s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	})).ServeHTTP(w, newRequest(context.Background(), ticket))
	return next, err
}

// user returns whom a ticket's session belongs to.
func (s *site) user(ticket string) (user string, err error) {
	_, err = s.visit(ticket, func(c *cloakroom.Session) { user = c.User() })
	return user, err
}

// Renewal has one browser send n requests at the moment of a renewal. All of them are
// logged in, what each of them saves is kept, and one new ticket goes out. It returns
// what is wrong.
func Renewal(s store.Store, prefix string, n int) error {
	site, err := newSite(s, prefix)
	if err != nil {
		return err
	}
	old, err := site.visit("", func(c *cloakroom.Session) { c.Login("ada") })
	if err != nil {
		return err
	}
	ctx, key := context.Background(), site.key(old)
	r, err := s.Load(ctx, key)
	if err != nil {
		return err
	}
	older, err := site.backdate(key, r, 2*time.Hour)
	if err == nil {
		_, err = s.Save(ctx, key, r, older)
	}
	if err != nil {
		return err
	}
	var loaded, wg sync.WaitGroup
	loaded.Add(n)
	tickets, errs := make([]string, n), make([]error, n)
	for i := range n {
		wg.Go(func() {
			user := ""
			tickets[i], errs[i] = site.visit(old, func(c *cloakroom.Session) {
				if user = c.User(); i%2 == 0 { // the others come as they like
					loaded.Done()
					loaded.Wait()
				} else {
					loaded.Done()
				}
				c.Set(fmt.Sprint("own ", i), i)
				count(c)
			})
			if errs[i] == nil && user != "ada" {
				errs[i] = fmt.Errorf("request %d is not logged in", i)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	renewed := ""
	for _, ticket := range tickets {
		switch {
		case ticket != "" && renewed != "":
			return errors.New("more than one new ticket went out")
		case ticket != "":
			renewed = ticket
		}
	}
	if renewed == "" || renewed == old {
		return errors.New("no new ticket went out")
	}
	for _, ticket := range []string{old, renewed, old} { // the grace begins when the new one is seen
		var wrong error
		next, err := site.visit(ticket, func(c *cloakroom.Session) {
			if counted, _ := visits.Get(c); c.User() != "ada" || counted != int64(n) {
				wrong = fmt.Errorf("%q is logged in, and the counter says %d, want %d", c.User(), counted, n)
			}
			for i := range n {
				if c.Get(fmt.Sprint("own ", i)) != int64(i) {
					wrong = fmt.Errorf("what request %d set is lost", i)
				}
			}
		})
		if err := errors.Join(err, wrong); err != nil {
			return err
		}
		if next != "" {
			return errors.New("another new ticket went out")
		}
	}
	if _, err := site.visit(renewed, func(c *cloakroom.Session) { c.Login("ada") }); err != nil {
		return err
	}
	for _, ticket := range []string{old, renewed} {
		if user, err := site.user(ticket); err != nil || user != "" {
			return fmt.Errorf("after a login an old ticket is %q's, %w", user, err)
		}
	}
	if err := site.m.RevokeUser(ctx, "ada"); err != nil {
		return err
	}
	devices, err := site.m.Devices(ctx, "ada")
	if err == nil && len(devices) > 0 {
		err = fmt.Errorf("%d devices after all were revoked", len(devices))
	}
	return err
}
