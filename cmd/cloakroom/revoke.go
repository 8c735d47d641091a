package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom"
)

type revokeCmd struct {
	application

	Handle []string `arg:"" optional:"" placeholder:"HANDLE" help:"The handles of the sessions to end, from cloakroom devices."`

	All    bool     `help:"End all sessions of the user."`
	Sealed bool     `help:"The sessions are sealed in their cookies, and the store is their Options.Revocations. With --all, since they are not told apart."`
	Except []string `placeholder:"HANDLE" help:"With --all: but this one. May be repeated."`
}

// Help is the text of `cloakroom revoke --help`.
func (revokeCmd) Help() string {
	return `Ends sessions of a user, from outside of them: when it has returned, no request opens them. What is ended stays ended ` +
		`on stores that keep what they hold; Memcached, and a Redis that evicts, may lose the list of a user's sessions, and with it the way to them.

Sessions that are sealed in their cookies take --sealed and the store of their Options.Revocations.

After a password was stolen: store the new one first, then revoke --all. RecordKeys have to be those of the application, in the same order, ` +
		`since what is written is sealed with the first one.`
}

// Validate refuses what is neither one thing nor the other.
func (r *revokeCmd) Validate() error {
	switch {
	case r.All == (len(r.Handle) > 0):
		err := errors.New("name the sessions to end by their handles, or all of them by --all")
		if !r.All && isHandle(r.User) {
			return hint(err, "the user's name looks like a handle: "+userFirst)
		}
		return err
	case len(r.Except) > 0 && !r.All:
		return errors.New("--except goes with --all")
	case r.Sealed && (!r.All || len(r.Except) > 0 || r.SecretFile != ""):
		return errors.New("--sealed goes with --all, without --except and --secret-file")
	}
	return nil
}

// revokeResult is what --json prints.
type revokeResult struct {
	Store string `json:"store"`
	Ended *int   `json:"ended"` // sessions; null: not known, since they could not be read or are in cookies
	Left  *int   `json:"left"`  // sessions that the user still has; likewise
}

// Run ends them, and looks what is left.
func (r *revokeCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := untilCtrlC(ctx)
	defer stop()
	kind := managerKind(cloakroom.New)
	if r.Sealed {
		kind = newSealed
	}
	app, err := r.open(ctx, s, kind, cloakroom.NoLimit)
	if err != nil {
		return err
	}
	defer closing(app.store, &err)
	result := revokeResult{Store: app.where}
	switch {
	case r.Sealed:
		err = advised(app.RevokeUser(ctx, app.user))
		fmt.Fprintln(s.err, "Note: cookies are not counted. Check --prefix and --cookie-name, which are the application's; its processes know within their WatchInterval.")
	case r.All:
		err = r.endAll(ctx, s, app, &result)
	default:
		err = r.endSome(ctx, app, &result)
	}
	if left, err := app.Devices(ctx, app.user); err == nil {
		result.Left = new(len(left))
	}
	switch {
	case r.JSON:
		return errors.Join(err, printJSON(s.out, result))
	case result.Ended != nil:
		fmt.Fprintf(s.out, "Ended %s in %s.", plural(int64(*result.Ended), "session"), app.where)
	case err == nil:
		fmt.Fprintf(s.out, "Ended all sessions of the user in %s.", app.where)
	default:
		return err
	}
	if result.Left != nil {
		fmt.Fprintf(s.out, " The user has %d left.", *result.Left)
	}
	fmt.Fprintln(s.out)
	return err
}

// endAll ends all sessions but those that --except names.
func (r *revokeCmd) endAll(ctx context.Context, s streams, app *sessions, result *revokeResult) error {
	before, err := app.Devices(ctx, app.user)
	if err != nil && len(r.Except) > 0 {
		return userError(err)
	}
	handles := make([]string, len(before))
	for i, d := range before {
		handles[i] = d.Handle
	}
	var unknown []string
	spared := distinct(r.Except)
	for _, handle := range spared {
		if !slices.Contains(handles, handle) {
			unknown = append(unknown, handle)
		}
	}
	if len(unknown) > 0 {
		return unknownError("--except: nothing was ended, since ", app.user, unknown)
	}
	if err := app.RevokeUser(ctx, app.user, r.Except...); err != nil {
		return userError(err)
	}
	switch {
	case err != nil:
		fmt.Fprintf(s.err, "Note: some sessions could not be read, and so not be counted: %v\n", err)
	case len(before) == 0:
		app.noneNote(s.err)
		fallthrough
	default:
		result.Ended = new(len(before) - len(spared))
	}
	return nil
}

// endSome ends the sessions that the handles name.
func (r *revokeCmd) endSome(ctx context.Context, app *sessions, result *revokeResult) error {
	result.Ended = new(0)
	var unknown []string
	for _, handle := range distinct(r.Handle) {
		switch err := app.Revoke(ctx, app.user, handle); {
		case err == nil:
			*result.Ended++
		case errors.Is(err, cloakroom.ErrNotFound):
			unknown = append(unknown, handle)
		default:
			return userError(err)
		}
	}
	if len(unknown) > 0 {
		return unknownError("", app.user, unknown)
	}
	return nil
}

// distinct returns each of list once, in their order.
func distinct(list []string) []string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// unknownError says which handles are none of the user's. What does not look like a
// handle may be a ticket, or a URL with a password, and is not shown.
func unknownError(prefix, user string, unknown []string) error {
	var handles, which []string
	for _, s := range unknown {
		if isHandle(s) {
			handles = append(handles, s)
		}
	}
	if len(handles) > 0 {
		which = append(which, "with the handle "+strings.Join(handles, ", nor with "))
	}
	odd := len(unknown) - len(handles)
	if odd > 0 {
		which = append(which, fmt.Sprintf("with what is no handle (%s, not shown)", plural(int64(odd), "argument")))
	}
	err := fmt.Errorf("%sthe user has no session %s", prefix, strings.Join(which, ", nor "))
	switch {
	case isHandle(user):
		return hint(err, "the user's name looks like a handle: "+userFirst)
	case odd > 0:
		return hint(err, "a handle has 16 characters, 0 to 9 and a to f: cloakroom devices shows them")
	}
	return hint(err, "cloakroom devices shows those that there are; see also --prefix and --cookie-name")
}
