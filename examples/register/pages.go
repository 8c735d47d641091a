package register

import (
	"errors"
	"net/http"

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

// maxForm is the size of the largest form in bytes: a name and its field's.
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
	typed := r.PostForm.Get("username")
	name, problem := cleanName(typed)
	if problem != "" {
		a.render(w, http.StatusUnprocessableEntity, "add_username",
			page{Title: "Register", Typed: typed, Problem: problem})
		return
	}
	s := cloakroom.From(r)
	// Whoever knew this visitor's ticket so far knows a worthless one from now
	// on. It belongs to every login.
	s.Regenerate()
	username.Set(s, name)
	s.Flash(greet, "Welcome, "+name+". This is your ticket.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
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
