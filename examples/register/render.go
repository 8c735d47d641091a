package register

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
)

//go:embed templates
var templateFiles embed.FS

// page is what the templates show.
type page struct {
	Title   string
	Flashes []cloakroom.Flash
	Ticket  *ticket            // nil for a stranger
	Devices []cloakroom.Device // for devices.html
	Failure *failure           // for error.html

	// What stood in the form, and what is wrong with it.
	Typed    string
	Remember bool
	Problem  string

	// Set by render.
	Listed    bool   // there is a page with devices
	Remembers string // for how long; empty if nobody is remembered
	Usual     string // when the name of anybody else is thrown away
	Ends      string // when this visitor's is
	Keeps     string
	Place     string
}

// ticket is the session as its visitor sees it.
type ticket struct {
	Name   string
	Handle string // names the session in the log, opens nothing
	Left   int    // seconds
	Of     int    // seconds that a fresh session has
	Limit  string // the lifetime, if that is what ends this session
	Ends   string // when the name is thrown away
}

// Number is the part of the handle that is printed large.
func (t *ticket) Number() string { return t.Handle[:min(4, len(t.Handle))] }

// Counts reports whether the end is so near that the seconds are of interest.
func (t *ticket) Counts() bool { return t.Left <= 60*60 }

// Clock is the time left as minutes and seconds, or in words if it is long.
func (t *ticket) Clock() string {
	if t.Counts() {
		return fmt.Sprintf("%d:%02d", t.Left/60, t.Left%60)
	}
	left := time.Duration(t.Left) * time.Second
	return inWords(left.Round(coarse(left)))
}

// ticket describes the session s of a visitor called name.
func (a *app) ticket(s *cloakroom.Session, name string) *ticket {
	idle, lifetime := a.idle, a.lifetime
	if !a.flask && s.Permanent() { // a visitor who is remembered
		idle, lifetime = a.remember, a.remember
	}
	// Rounded up: when the page says that the session has ended, it has.
	seconds := func(d time.Duration) int { return max(0, int(math.Ceil(d.Seconds()))) }
	t := &ticket{
		Name:   name,
		Handle: s.Handle(),
		Left:   seconds(time.Until(s.Expires())),
		Of:     seconds(idle),
		Ends:   ends(idle, lifetime),
	}
	if lifetime == 0 {
		return t
	}
	t.Of = min(t.Of, seconds(lifetime))
	// Otherwise the visit that asks for this page has moved the end on, give or
	// take the TouchInterval.
	if lifetime <= idle || t.Left < t.Of-1 {
		t.Limit = inWords(lifetime)
	}
	return t
}

// ends says when a name is thrown away. The usual lifetime goes without saying:
// nobody watches a tutorial for a day. It is zero if it is configured elsewhere.
func ends(idle, lifetime time.Duration) string {
	atIdle := inWords(idle) + " after your last visit to a page"
	atLifetime := inWords(lifetime) + " after you left it here"
	switch {
	case lifetime != 0 && lifetime <= idle:
		return atLifetime
	case lifetime == 0 || lifetime == cloakroom.DefaultLifetime:
		return atIdle
	}
	return atIdle + ", " + atLifetime
}

func parseTemplates(files assets) (map[string]*template.Template, error) {
	funcs := template.FuncMap{"asset": files.url, "alert": alertClass, "ago": ago, "ahead": ahead, "machine": machine}
	base, err := template.New("base.html").Funcs(funcs).ParseFS(templateFiles, "templates/base.html", "templates/ticket.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template)
	for _, name := range []string{"home", "add_username", "remove", "devices", "error"} {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(templateFiles, "templates/"+name+".html")
		}
		if err != nil {
			return nil, err
		}
		pages[name] = t
	}
	return pages, nil
}

// render writes a whole page at once, so that a failing template gives an
// error page rather than half of one.
func (a *app) render(w http.ResponseWriter, status int, name string, p page) {
	p.Listed, p.Keeps, p.Place = a.listed, a.keeps, a.place
	p.Usual = ends(a.idle, a.lifetime)
	p.Ends = p.Usual
	if p.Ticket != nil {
		p.Ends = p.Ticket.Ends
	}
	if !a.flask {
		p.Remembers = inWords(a.remember)
	}
	var buf bytes.Buffer
	if err := a.templates[name].Execute(&buf, p); err != nil {
		a.log.Error("page", slog.String("template", name), slog.String("error", err.Error()))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}

// alertClass is Bootstrap's class for a flash category.
func alertClass(category string) string {
	switch category {
	case greet:
		return "alert-success"
	case notify:
		return "alert-info"
	default:
		return "alert-warning"
	}
}

// inWords says a duration as people do: one minute, 90 seconds, 2 hours.
func inWords(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == 24*time.Hour && u.name == "day": // which is what people say
		case d == u.unit:
			return "one " + u.name
		case d > u.unit && d%u.unit == 0:
			return fmt.Sprintf("%d %ss", d/u.unit, u.name)
		}
	}
	return d.String()
}

// coarse is the unit in which people would say d.
func coarse(d time.Duration) time.Duration {
	switch {
	case d < time.Minute:
		return time.Second
	case d < time.Hour:
		return time.Minute
	case d < 2*24*time.Hour:
		return time.Hour
	}
	return 24 * time.Hour
}

// ago says how long ago t was.
func ago(t time.Time) string {
	d := time.Since(t)
	if d < 5*time.Second {
		return "just now"
	}
	return inWords(d.Truncate(coarse(d))) + " ago"
}

// ahead says how far ahead t is.
func ahead(t time.Time) string {
	d := time.Until(t)
	if d < time.Second {
		return "now"
	}
	return "in " + inWords(d.Round(coarse(d)))
}

// machine writes t for programs, as the element time has it.
func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
