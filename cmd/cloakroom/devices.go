package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/cloakroom/cloakroom"
)

type devicesCmd struct {
	application

	Lifetime time.Duration `placeholder:"DURATION" help:"The application's Options.Lifetime. Given, sessions that are over by their age are left out."`
}

// Help is the text of `cloakroom devices --help`.
func (devicesCmd) Help() string {
	return `Shows the sessions that a user is logged in to by Session.Login, the one that was used last first: its handle, by which ` +
		`cloakroom revoke ends it, when the user logged in, when it was last used and when it ends, and the device. To look is no use of them. ` +
		`Flask's sessions have no users, and cookies that are the session have no store.

Last uses are as fine as the application's TouchInterval. The end is that by the last use, or by the age where --lifetime or the session itself says so.`
}

// Validate refuses durations that make no sense.
func (d *devicesCmd) Validate() error {
	if d.Lifetime < 0 {
		return errors.New("--lifetime must not be negative")
	}
	return nil
}

// devicesResult is what --json prints.
type devicesResult struct {
	Store   string   `json:"store"`
	Devices []device `json:"devices"`
}

type device struct {
	Handle      string     `json:"handle"`
	Description string     `json:"description"`
	Created     time.Time  `json:"created"`
	Login       time.Time  `json:"login"`
	LastUse     *time.Time `json:"last_use"` // null: not known
	Expires     *time.Time `json:"expires"`  // null: never
	Permanent   bool       `json:"permanent"`
}

// Run shows them.
func (d *devicesCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := untilCtrlC(ctx)
	defer stop()
	lifetime := d.Lifetime
	if lifetime == 0 {
		lifetime = cloakroom.NoLimit
	}
	app, err := d.open(ctx, s, cloakroom.New, lifetime)
	if err != nil {
		return err
	}
	defer closing(app.store, &err)
	devices, err := app.Devices(ctx, app.user)
	if err != nil {
		return userError(err)
	}
	if len(devices) == 0 {
		app.noneNote(s.err)
	}
	if d.JSON {
		return printJSON(s.out, devicesResult{app.where, shownDevices(devices)})
	}
	return printDevices(s.out, devices)
}

func shownDevices(devices []cloakroom.Device) []device {
	shown := []device{}
	for _, d := range devices {
		shown = append(shown, device{d.Handle, d.Description, d.Created.UTC(), d.Login.UTC(), known(d.LastUse), known(d.Expires), d.Permanent})
	}
	return shown
}

// known returns t, or nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func printDevices(w io.Writer, devices []cloakroom.Device) error {
	if len(devices) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HANDLE\tLOGIN\tLAST USE\tEXPIRES\tDEVICE")
	for _, d := range devices {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.Handle, at(d.Login), atOr(d.LastUse, "not known"), atOr(d.Expires, "never"), printableText(d.Description))
	}
	return table.Flush()
}

func atOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return at(t)
}

// printableText is what a visitor has sent, without what a terminal obeys.
func printableText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
