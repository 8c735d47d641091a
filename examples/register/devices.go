package register

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// devices lists the sessions of the visitor's name, the visitor's own one first.
func (a *app) devices(w http.ResponseWriter, r *http.Request) {
	s, user := a.loggedIn(w, r)
	if user == "" {
		return
	}
	list, err := a.sessions.Devices(r.Context(), user)
	if err != nil {
		a.listFailed(w, r, err)
		return
	}
	if i := slices.IndexFunc(list, func(d cloakroom.Device) bool { return d.Current }); i >= 0 {
		here := list[i]
		here.LastUse, here.Expires = time.Now(), s.Expires() // this visit is not in the store yet
		list = slices.Insert(slices.Delete(list, i, i+1), 0, here)
	}
	a.render(w, http.StatusOK, "devices", page{
		Title: "Your devices", Flashes: s.Flashes(), Ticket: a.ticket(s, user), Devices: list,
	})
}

// endDevice ends one session of the visitor's name. That the name comes from the
// session keeps visitors from ending those of others.
func (a *app) endDevice(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		a.badForm(w, err)
		return
	}
	s, user := a.loggedIn(w, r)
	if user == "" {
		return
	}
	said := "That device has been signed out."
	err := a.sessions.Revoke(r.Context(), user, r.PostForm.Get("device"))
	if errors.Is(err, cloakroom.ErrNotFound) {
		said, err = "That device was signed out already.", nil
	}
	a.ended(w, r, s, said, err)
}

// endOthers ends all sessions of the visitor's name but this one.
func (a *app) endOthers(w http.ResponseWriter, r *http.Request) {
	s, user := a.loggedIn(w, r)
	if user == "" {
		return
	}
	err := a.sessions.RevokeUser(r.Context(), user, s.Handle())
	a.ended(w, r, s, "All other devices have been signed out.", err)
}

// ended leads back to the list, with a message.
func (a *app) ended(w http.ResponseWriter, r *http.Request, s *cloakroom.Session, said string, err error) {
	if err != nil {
		a.listFailed(w, r, err)
		return
	}
	s.Flash(notify, said)
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}

// listFailed answers when the list could not be read or changed.
func (a *app) listFailed(w http.ResponseWriter, r *http.Request, err error) {
	a.log.ErrorContext(r.Context(), "devices", slog.String("error", err.Error()), slog.String("advice", store.Advice(err)))
	a.sessionFailed(w, r, err)
}

// loggedIn returns the session and the user whose it is. A stranger is led to the
// form, and the user is empty then.
func (a *app) loggedIn(w http.ResponseWriter, r *http.Request) (*cloakroom.Session, string) {
	s := cloakroom.From(r)
	user := s.User()
	if user == "" {
		http.Redirect(w, r, "/add", http.StatusSeeOther)
	}
	return s, user
}
