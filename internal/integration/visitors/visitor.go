package visitors

import (
	"errors"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// visitor is one of a crowd.
type visitor struct {
	c     *Crowd
	name  string
	stays bool // never logs out

	done    atomic.Int64 // changes that were answered by 200
	refused atomic.Int64 // requests that were answered by 503
	left    atomic.Int64 // logouts that were answered by 200

	ticket      string
	ended       []string     // tickets that were logged out
	acked, sent atomic.Int64 // writes since the login
}

// live is the whole life of a visitor.
func (v *visitor) live() {
	for !v.c.over() && v.login() {
		v.stay()
	}
	if !v.c.anyWrong() {
		v.farewell()
	}
}

// login begins a new session. One whose ticket does not arrive may be left
// behind: nobody knows its ticket.
func (v *visitor) login() bool {
	v.ticket = ""
	v.acked.Store(0)
	v.sent.Store(0)
	for {
		ticket, err := v.c.send("POST", "/login", "", url.Values{"user": {v.name}}, nil)
		if err == nil && ticket == "" {
			err = errors.New("a login without a ticket")
		}
		if err == nil {
			v.ticket = ticket
			return true
		}
		if !v.goOn(err) {
			return false
		}
	}
}

// goOn notes an error, and reports whether to try again.
func (v *visitor) goOn(err error) bool {
	if !errors.Is(err, errRefused) {
		v.c.blame(v, err)
		return false
	}
	v.refused.Add(1)
	select {
	case <-v.c.stop:
		return false
	case <-time.After(5 * time.Millisecond):
		return true
	}
}

// stay writes from all tabs. It ends with a logout, while the other tabs go on
// writing, unless the visitor stays.
func (v *visitor) stay() {
	var leaving atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := 1; i < tabCount; i++ {
		wg.Go(func() {
			for p := (tab{number: i}); !leaving.Load() && v.step(&p, &leaving); {
			}
		})
	}
	p := tab{}
	for n := 0; v.stays || n < stepsOfAStay; n++ {
		if !v.step(&p, &leaving) {
			return
		}
	}
	leaving.Store(true)
	for {
		_, err := v.c.send("POST", "/logout", v.ticket, nil, nil)
		if err == nil {
			break
		}
		if !v.goOn(err) {
			return
		}
	}
	v.ended = append(v.ended, v.ticket)
	v.left.Add(1)
	if a, err := v.read(v.ticket, tab{}); err == nil && a.User != "" {
		v.c.blame(v, errors.New("a ticket that was logged out opens a session"))
	}
}

// tab is what one tab knows of its own number in the session.
type tab struct {
	number       int
	saved, tried int // the last number that was answered by 200, and that was sent
}

// step reads and then writes once. It returns false if the stay is over.
func (v *visitor) step(p *tab, leaving *atomic.Bool) bool {
	if v.c.over() {
		return false
	}
	least := v.acked.Load()
	a, err := v.read(v.ticket, *p)
	if err != nil {
		return v.goOn(err)
	}
	if a.User == "" && (leaving.Load() || v.c.forgets.Load()) {
		return false
	}
	if err := v.check(a, p, least); err != nil {
		v.c.blame(v, err)
		return false
	}
	p.tried++
	v.sent.Add(1)
	form := url.Values{"tab": {strconv.Itoa(p.number)}, "number": {strconv.Itoa(p.tried)}}
	if _, err := v.c.send("POST", "/write", v.ticket, form, nil); err != nil {
		return v.goOn(err)
	}
	p.saved = p.tried
	v.acked.Add(1)
	v.done.Add(1)
	return true
}

func (v *visitor) read(ticket string, p tab) (a answer, err error) {
	_, err = v.c.send("GET", "/read", ticket, url.Values{"tab": {strconv.Itoa(p.number)}}, &a)
	return a, err
}

// check checks what a tab has read. least writes had been answered by 200
// before it did.
func (v *visitor) check(a answer, p *tab, least int64) error {
	switch most := v.sent.Load(); {
	case a.User == "":
		return errors.New("the session is gone")
	case a.User != v.name:
		return errors.New("it is somebody else's session")
	case a.Tab < p.saved || a.Tab > p.tried:
		return errors.New("a tab's number is not one that it may be")
	case int64(a.Steps) < least || int64(a.Steps) > most:
		return errors.New("steps are lost, or were made twice")
	}
	p.saved = a.Tab
	return nil
}

// farewell looks once more at all that there is.
func (v *visitor) farewell() {
	look := func(ticket string) (a answer, ok bool) {
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			a, err := v.read(ticket, tab{})
			if err == nil {
				return a, true
			}
			if !errors.Is(err, errRefused) || time.Now().After(end) {
				v.c.blame(v, err)
				return a, false
			}
		}
	}
	for _, ticket := range v.ended {
		if a, ok := look(ticket); !ok {
			return
		} else if a.User != "" {
			v.c.blame(v, errors.New("a ticket that was logged out opens a session at the end"))
		}
	}
	if !v.stays || v.ticket == "" {
		return
	}
	a, ok := look(v.ticket)
	if n := int64(a.Steps); ok && !v.c.forgets.Load() && (a.User != v.name || n < v.acked.Load() || n > v.sent.Load()) {
		v.c.blame(v, errors.New("at the end, steps are lost"))
	}
}
