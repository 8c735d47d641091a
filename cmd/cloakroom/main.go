// Command cloakroom is the tool that comes with the library of that name.
// `cloakroom --help` lists what it does.
//
// It exits with 0 if all went well, for the demo also after Ctrl-C; with 1 if
// something failed or was stopped half-way; with 2 if it was called wrongly.
// Data goes to stdout, messages and errors go to stderr.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/cloakroom/cloakroom/store"
)

const (
	exitFailure = 1
	exitUsage   = 2
)

// cli is the command line: one field for each verb.
type cli struct {
	Demo    demoCmd    `cmd:"" help:"Serve the tutorial application on this computer."`
	Decode  decodeCmd  `cmd:"" help:"Show what is in a Flask cookie or in a record, as JSON."`
	Devices devicesCmd `cmd:"" help:"Show the sessions of a user."`
	Revoke  revokeCmd  `cmd:"" help:"End sessions of a user."`
	Migrate migrateCmd `cmd:"" help:"Copy all live sessions from one store to another."`
	Cleanup cleanupCmd `cmd:"" help:"Remove expired sessions from a store."`
	DDL     ddlCmd     `cmd:"" name:"ddl" help:"Print the statements that make the table of a SQL store."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// streams are where a verb writes.
type streams struct {
	out io.Writer // data
	err io.Writer // messages
}

func main() { os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdout, os.Stderr})) }

func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parser, err := kong.New(&cli{},
		kong.Name("cloakroom"),
		kong.Description("HTTP sessions for Go: keep them, look at them, try them.\n\n"+
			"Exit codes: 0 all went well, for the demo also after Ctrl-C; 1 something failed or was stopped half-way; 2 wrong use."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 90}),
		kong.Vars(defaults()),
		kong.Writers(s.out, s.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		return report(s.err, err, exitFailure)
	}
	call, err := parser.Parse(args)
	if err != nil {
		err = withoutArguments(err, args)
		if _, ok := errors.AsType[*hinted](err); !ok {
			err = hint(err, "see cloakroom --help")
		}
		return report(s.err, err, exitUsage)
	}
	if err := call.Run(); err != nil {
		if _, ok := errors.AsType[usageError](err); ok {
			return report(s.err, err, exitUsage)
		}
		return report(s.err, err, exitFailure)
	}
	return 0
}

// withoutArguments is an error of the parser that does not repeat arguments that
// may hold a password.
func withoutArguments(err error, args []string) error {
	var hide []string
	behindURL := false // where the rest of one may be that has spaces in it
	for _, arg := range args {
		flag, value, found := strings.Cut(arg, "=")
		if !strings.HasPrefix(flag, "-") || !found {
			value = arg
		}
		if strings.ContainsAny(value, "@:= ") || behindURL && !strings.HasPrefix(arg, "-") {
			hide = append(hide, arg, value, strings.Trim(strconv.Quote(arg), `"`), strings.Trim(strconv.Quote(value), `"`))
		}
		behindURL = behindURL || strings.Contains(value, "://")
	}
	// The longest first: one may begin like another.
	slices.SortFunc(hide, func(a, b string) int { return len(b) - len(a) })
	text := err.Error()
	for _, s := range hide {
		if s != "" {
			text = strings.ReplaceAll(text, s, "(not shown)")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// report prints err in one line, with its hint.
func report(w io.Writer, err error, code int) int {
	line := strings.ReplaceAll(strings.TrimSuffix(err.Error(), "\n"), "\n", "; ") // of joined errors
	if h, ok := errors.AsType[*hinted](err); ok {
		line += " (" + h.hint + ")"
	}
	fmt.Fprintln(w, "cloakroom: "+strings.TrimPrefix(line, "cloakroom: "))
	return code
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

func hint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// advised is err with the advice that it holds, if any, as its hint.
func advised(err error) error {
	if advice := store.Advice(err); advice != "" {
		return hint(err, "%s", advice)
	}
	return err
}

// printJSON prints v for a program to read.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// usageError says that the program was called wrongly, where only running it
// could tell.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
