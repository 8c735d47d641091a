package logins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// A mortal is a store that kills the process with a call.
type mortal struct {
	store.Store
	left   int  // calls before that one
	after  bool // it has been done when the process dies
	during time.Duration
}

func (m *mortal) call(f func() error) error {
	m.left--
	if m.left == 0 && m.during > 0 {
		time.AfterFunc(m.during, die)
		return f()
	}
	if m.left == 0 && !m.after {
		die()
	}
	err := f()
	if m.left == 0 {
		die()
	}
	return err
}

func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until it has arrived
}

func (m *mortal) Load(ctx context.Context, key string) (r store.Record, err error) {
	err = m.call(func() (err error) { r, err = m.Store.Load(ctx, key); return err })
	return r, err
}

func (m *mortal) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = m.call(func() (err error) { r, err = m.Store.Save(ctx, key, prev, next); return err })
	return r, err
}

func (m *mortal) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return m.call(func() error { return m.Store.Touch(ctx, key, prev, expires) })
}

func (m *mortal) Delete(ctx context.Context, key string) error {
	return m.call(func() error { return m.Store.Delete(ctx, key) })
}

// A batchMortal is mortal on a store that can save several records at once.
type batchMortal struct {
	*mortal
	saver store.BatchSaver
}

func (m batchMortal) SaveAll(ctx context.Context, changes []store.Change) (records []store.Record, err error) {
	err = m.call(func() (err error) { records, err = m.saver.SaveAll(ctx, changes); return err })
	return records, err
}

// A Death is a login whose process dies with one of its calls of the store.
type Death struct {
	Prefix string
	Ticket string        // what the visitor has before
	Batch  bool          // records are saved at once, as far as the store can do that
	Call   int           // counted from 1
	After  bool          // the call is done
	During time.Duration // if not zero, it has gone on for so long, if it takes so long
}

// Die logs ada in, and returns if the process does not die of that, since there are
// not so many calls.
func Die(s store.Store, d Death) error {
	m := &mortal{s, d.Call, d.After, d.During}
	var dying store.Store = m
	if d.Batch {
		dying = batchMortal{m, s.(store.BatchSaver)}
	}
	site, err := newSite(dying, d.Prefix)
	if err != nil {
		return err
	}
	_, err = site.visit(d.Ticket, func(c *cloakroom.Session) { c.Login("ada") })
	return err
}

// Deaths has a process die at each call of a login, of a visitor without a session, with
// one, and with one of the same user, and returns what is wrong afterwards. inChild
// lets another process [Die], and reports whether it has. All keys begin with prefix.
func Deaths(s store.Store, prefix string, inChild func(Death) (died bool)) error {
	batches := []bool{false}
	if _, can := s.(store.BatchSaver); can {
		batches = append(batches, true)
	}
	for name, begin := range map[string]func(*cloakroom.Session){
		"no session":     nil,
		"a session":      func(c *cloakroom.Session) { c.Set("cart", "ring") },
		"a user's":       func(c *cloakroom.Session) { c.Login("ada"); c.Set("cart", "ring") },
		"another user's": func(c *cloakroom.Session) { c.Login("bob"); c.Set("cart", "ring") },
	} {
		keeps := begin != nil && name != "another user's"
		for _, batch := range batches {
			calls, least := 0, 3
			if batch {
				least = 2
			}
			for n, died := 1, true; died; n++ {
				ways := []Death{{}, {After: true}}
				if batch {
					ways = append(ways, Death{During: 100 * time.Microsecond}, Death{During: 300 * time.Microsecond}, Death{During: time.Millisecond})
				}
				for i, d := range ways {
					d.Prefix, d.Batch, d.Call = fmt.Sprintf("%s%t-%d-%d-%x:", prefix, batch, n, i, name), batch, n
					site, err := newSite(s, d.Prefix)
					if err != nil {
						return err
					}
					if begin != nil {
						if d.Ticket, err = site.visit("", begin); err != nil {
							return err
						}
					}
					if _, err := site.visit("", func(c *cloakroom.Session) { c.Login("ada") }); err != nil {
						return err
					}
					if end := inChild(d); d.During == 0 {
						died = end
					}
					if err := site.afterDeath(d.Ticket, keeps); err != nil {
						return fmt.Errorf("%s, %+v: %w", name, d, err)
					}
				}
				calls = n - 1
			}
			if calls < least {
				return fmt.Errorf("%s: the process died at %d calls only", name, calls)
			}
		}
	}
	return nil
}

// afterDeath looks at what a process has left that has died in a login.
func (s *site) afterDeath(old string, keeps bool) error {
	ctx := context.Background()
	cart := any(nil)
	if _, err := s.visit(old, func(c *cloakroom.Session) { cart = c.Get("cart") }); err != nil {
		return err
	}
	all, _, err := s.tickets(ctx)
	if err != nil {
		return err
	}
	kept := cart != nil
	for _, ticket := range all {
		user, got := "", any(nil)
		if _, err := s.visit(ticket, func(c *cloakroom.Session) { user, got = c.User(), c.Get("cart") }); err != nil {
			return err
		}
		kept = kept || got != nil
		devices, err := s.m.Devices(ctx, "ada")
		if err != nil {
			return err
		}
		_, replaced, err := s.tickets(ctx)
		if err != nil {
			return err
		}
		listed := user == "ada" && replaced[ticket] // by one that is listed
		for _, d := range devices {
			listed = listed || d.Handle == handleOf(s.key(ticket))
		}
		if listed != (user == "ada") {
			return fmt.Errorf("a session of %q is listed: %v", user, listed)
		}
	}
	if _, err := s.visit(old, func(c *cloakroom.Session) { c.Login("ada") }); err != nil {
		return fmt.Errorf("the next login: %w", err)
	}
	if all, _, err = s.tickets(ctx); err != nil {
		return err
	}
	if err := s.m.RevokeUser(ctx, "ada"); err != nil {
		return err
	}
	for _, ticket := range append(all, old) {
		if user, err := s.user(ticket); err != nil || user == "ada" {
			return fmt.Errorf("a session of %q after all have been revoked, %w", user, err)
		}
	}
	if keeps && !kept {
		return errors.New("nobody has what was in the cart")
	}
	return nil
}

// tickets returns those of all sessions, and which of them others are taking the
// place of.
func (s *site) tickets(ctx context.Context) (all []string, replaced map[string]bool, err error) {
	replaced = map[string]bool{}
	for e, err := range s.store.(store.Lister).List(ctx, s.prefix) {
		if err != nil {
			return nil, nil, err
		}
		v := s.view(e.Key, e.Record)
		if v.state == session {
			all = append(all, s.ticket(e.Key))
		}
		for _, key := range v.prev {
			replaced[s.ticket(key)] = true
		}
	}
	return all, replaced, nil
}
