package register

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom"
)

// username is the name in the session, and the proof that somebody registered.
const username = cloakroom.Key[string]("username")

// Categories of flash messages, the names that the tutorial gives them.
const (
	greet   = "greet"   // somebody came
	notify  = "notify"  // somebody left
	message = "message" // anything else
)

// maxForm is the size of the largest form in bytes: a name and the fields' own.
const maxForm = 4 << 10

// home says hello.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	p := page{Title: "Welcome", Flashes: s.Flashes()}
	if name, ok := username.Get(s); ok {
		p.Title, p.Ticket = "Hello, "+name, a.ticket(s, name)
	} else if !s.IsNew() && s.Len() == 0 {
		// The goodbye has been shown: nothing is left that is worth a cookie.
		s.Destroy()
	}
	a.render(w, http.StatusOK, "home", p)
}

// form shows the form, to those who have not registered yet.
func (a *app) form(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	if name, ok := username.Get(s); ok {
		s.Flash(message, "You have registered already, "+name+". Log out to use another name.")
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.render(w, http.StatusOK, "add_username", page{Title: "Register", Flashes: s.Flashes()})
}

// add registers the visitor.
func (a *app) add(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		a.badForm(w, err)
		return
	}
	typed, remember := r.PostForm.Get("username"), r.PostForm.Has("remember")
	name, problem := cleanName(typed)
	if problem != "" {
		a.render(w, http.StatusUnprocessableEntity, "add_username",
			page{Title: "Register", Typed: strings.ToValidUTF8(typed, "\uFFFD"), Remember: remember, Problem: problem})
		return
	}
	s := cloakroom.From(r)
	a.logIn(s, name, remember)
	username.Set(s, name)
	s.Flash(greet, "Welcome, "+name+". This is your ticket.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logIn makes the session that of a user. Anybody who knew the visitor's ticket so
// far knows a worthless one from now on.
func (a *app) logIn(s *cloakroom.Session, name string, remember bool) {
	if a.flask {
		s.Regenerate() // Flask knows no users, and its configuration says how long a session lives
		return
	}
	s.Login(name)           // without a password, in a tutorial
	var limit time.Duration // zero is the usual one
	if remember {
		limit = a.remember
	}
	s.SetPermanent(remember) // the browser keeps the cookie when it is closed
	s.SetIdleTimeout(limit)
	s.SetLifetime(limit)
}

// askRemove asks whether to log out: a link may be followed by mistake, and by
// programs that look ahead, so it changes nothing itself.
func (a *app) askRemove(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	name, ok := username.Get(s)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.render(w, http.StatusOK, "remove", page{Title: "Log out?", Flashes: s.Flashes(), Ticket: a.ticket(s, name)})
}

// remove logs the visitor out.
func (a *app) remove(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	name, ok := username.Get(s)
	s.Destroy()
	if ok {
		s.Flash(notify, "You are logged out. See you soon, "+name+".")
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// badForm answers a body that is no form.
func (a *app) badForm(w http.ResponseWriter, err error) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		a.fail(w, http.StatusRequestEntityTooLarge, "That was too much", "A name needs far less room than what was sent here.")
		return
	}
	a.fail(w, http.StatusBadRequest, "That was no form", "What was sent here could not be read. Please use the form.")
}
