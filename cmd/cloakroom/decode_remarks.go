package main

import (
	"fmt"
	"io"
	"time"

	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
)

// remarks are what is known about a cookie or record beside its content.
type remarks struct {
	*flask.Inspection
	now      time.Time
	lifetime time.Duration
	known    bool // whether somebody has told the lifetime
}

func (r remarks) print(w io.Writer) {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("This is:", "%s, %s, %d bytes", article(r.Kind), formatName(r.Format), r.Size)
	switch r.Signature {
	case flask.SignatureGood:
		line("Signature:", "good, made with %s", r.SignedBy)
	case flask.SignatureBad:
		line("Signature:", "BAD: none of the secrets given made it, anybody may have written this")
	case flask.SignatureUnchecked:
		line("Signature:", "NOT CHECKED for want of a secret: anybody may have written this")
		line("", "(see --flask-config, --secret-file, and FLASK_SECRET_KEY in the environment)")
	}
	if r.Mark != 0 {
		r.end(line)
	}
	if r.Signature != flask.SignatureNone {
		r.age(line)
	} else {
		r.expiry(line)
	}
	for _, what := range r.Unread {
		line("Not read:", "%s", what)
	}
}

// age tells what Flask makes of a cookie's age.
func (r remarks) age(line func(string, string, ...any)) {
	says := ""
	if r.Signature != flask.SignatureGood {
		says = ", as it says"
	}
	if r.Signed.IsZero() {
		line("Signed:", "at no time that can be read: Flask refuses it")
		return
	}
	age := r.now.Sub(r.Signed)
	if age < 0 {
		line("Signed:", "%s%s, %s from now: Flask refuses what is signed in the future", at(r.Signed), says, roughly(-age))
		return
	}
	line("Signed:", "%s%s, %s ago", at(r.Signed), says, roughly(age))
	why := "PERMANENT_SESSION_LIFETIME is " + roughly(r.lifetime)
	if !r.known {
		why = "by Flask's default lifetime of 31 days"
	}
	// Flask counts whole seconds, and the last one still counts.
	end := r.Signed.Add(r.lifetime.Truncate(time.Second) + time.Second)
	r.until(line, end, why)
}

// end tells of the end that has left a mark.
func (r remarks) end(line func(string, string, ...any)) {
	label, why := "Ended:", "for a reason that this release does not know"
	switch r.Mark {
	case store.MarkEnded:
		why = "by a logout or a revocation"
	case store.MarkMoved:
		label, why = "Moved:", "by a login or a regeneration: the session goes on under another ID"
	case store.MarkRenewed:
		label, why = "Renewed:", "the session goes on under another ID, to which this one leads for a while"
	}
	if age := r.now.Sub(r.Ended); age >= 0 {
		line(label, "%s, %s ago, %s", at(r.Ended), roughly(age), why)
	} else {
		line(label, "%s, %s from now by this clock, %s", at(r.Ended), roughly(-age), why)
	}
}

// expiry tells what a file says of its expiry.
func (r remarks) expiry(line func(string, string, ...any)) {
	switch {
	case !r.Expires.IsZero():
		r.until(line, r.Expires, "says the file")
	case r.Kind == "record":
		line("Expires:", "that is up to its store")
	default:
		line("Expires:", "never, says the file")
	}
}

func (r remarks) until(line func(string, string, ...any), end time.Time, why string) {
	if left := end.Sub(r.now); left > 0 {
		line("Expires:", "%s, in %s (%s)", at(end), roughly(left), why)
	} else {
		line("EXPIRED:", "%s, %s ago (%s)", at(end), roughly(-left), why)
	}
}

func article(kind string) string {
	if kind == "Flask's session cookie" {
		return kind
	}
	return "a " + kind
}

func formatName(format string) string {
	switch format {
	case "msgpack":
		return "MessagePack"
	case "json":
		return "JSON"
	case "taggedjson":
		return "tagged JSON"
	case "mark":
		return "the mark of an ended session"
	case "user":
		return "a user's sessions"
	}
	return format
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// roughly tells a duration in one unit, or two if the first one would be coarse.
func roughly(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	for i, unit := range units {
		n, rest := int64(d/unit.size), d%unit.size
		switch {
		case n == 0 && i < len(units)-1:
			continue
		case n < 10 && i < len(units)-1 && rest >= units[i+1].size:
			return plural(n, unit.name) + " " + plural(int64(rest/units[i+1].size), units[i+1].name)
		}
		return plural(n, unit.name)
	}
	return ""
}

func plural(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
