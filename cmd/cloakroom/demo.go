package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/examples/register"
)

type demoCmd struct {
	FlaskConfig string `type:"path" placeholder:"FILE" help:"Run on the configuration of a Flask application, a .toml or .json file with its keys; the environment's win. It decides where sessions are and how long they live."`

	InsecureSecrets bool `help:"With --flask-config: take a SECRET_KEY that can be guessed, as Flask does."`

	Addr       string        `default:"localhost:5000" placeholder:"HOST:PORT" help:"Where to listen. Port 0 means any free one."`
	Idle       time.Duration `default:"${idle}" help:"How long a session lives after its last use, at least 1s."`
	Lifetime   time.Duration `default:"${lifetime}" help:"How old a session gets, however much it is used."`
	Store      string        `default:"file" placeholder:"WHERE" help:"Where sessions are kept: memory, file:DIR, cookie, or the URL of a server, as in redis://localhost. By default in files, in a directory of this user's; in SQLite there, where files cannot be locked."`
	SecretFile string        `type:"path" placeholder:"FILE" help:"A file with keys, one a line in hex or base64, the newest first. Sessions are sealed with them: in the cookie, or in the store. It is made if it is missing."`
}

// defaults are those of flags that the library or the tutorial decide.
func defaults() kong.Vars {
	return kong.Vars{
		"idle":     register.DefaultIdle.String(),
		"lifetime": cloakroom.DefaultLifetime.String(),
		"prefix":   cloakroom.DefaultKeyPrefix,
	}
}

// Help is the text of `cloakroom demo --help`.
func (demoCmd) Help() string {
	return "A visitor registers a username, is greeted by it, and logs out again. The session ends one minute after the last use, or 30 days after the login of a visitor who asks to be remembered. Visitors with the same name, from two browsers say, see and end each other's sessions, unless these are kept in cookies."
}

// Validate refuses durations that make no sense.
func (d *demoCmd) Validate() error {
	switch {
	case d.Idle < time.Second:
		return errors.New("--idle must be at least 1s")
	case d.Lifetime < time.Second:
		return errors.New("--lifetime must be at least 1s")
	case d.FlaskConfig != "" && d.decides():
		return errors.New("--flask-config decides what --idle, --lifetime, --store and --secret-file do: leave them out")
	}
	return nil
}

// decides reports whether any of the flags is given that a Flask configuration
// stands for.
func (d *demoCmd) decides() bool {
	return d.Idle != register.DefaultIdle || d.Lifetime != cloakroom.DefaultLifetime || d.Store != "file" || d.SecretFile != ""
}

// open opens the place that the flags name.
func (d *demoCmd) open(ctx context.Context) (*place, error) {
	if d.FlaskConfig == "" {
		return openPlace(ctx, openers(), d.Store, d.SecretFile)
	}
	p, err := openFlask(ctx, d.FlaskConfig, d.InsecureSecrets)
	if err == nil {
		d.Idle = p.idle
	}
	return p, err
}

// Run serves the tutorial until Ctrl-C.
func (d *demoCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	place, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()

	logger := slog.New(slog.NewTextHandler(s.err, nil))
	app, err := register.New(register.Config{
		Store: place.store, Keys: place.keys, Sessions: place.sessions,
		Keeps: place.keeps, Place: place.forVisitor,
		Idle: d.Idle, Lifetime: d.Lifetime, Logger: logger,
	})
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, d.Addr)
	if err != nil {
		return err
	}
	site := newSite(app, logger, listeners)
	site.RegisterOnShutdown(app.Close)
	d.welcome(s.out, listeners[0].Addr(), place)
	if err := site.serve(ctx); err != nil {
		return err
	}
	stop() // a second Ctrl-C ends the program at once
	fmt.Fprintln(s.out, "\nClosing the cloakroom.", place.afterwards)
	return site.shutdown()
}

// welcome says what is going on.
func (d *demoCmd) welcome(w io.Writer, addr net.Addr, p *place) {
	fmt.Fprintf(w, `
  cloakroom demo: register a name, be greeted by it, log out again.

    Open      %s
    Sessions  %s
`, visitURL(d.Addr, addr), p.forOperator)
	for _, line := range p.notes {
		fmt.Fprintf(w, "              %s\n", line)
	}
	end := fmt.Sprintf("%v after the last use, or %v after the first", short(d.Idle), short(d.Lifetime))
	switch {
	case d.FlaskConfig != "":
		end = short(d.Idle) + " after the last use"
	case d.Lifetime <= d.Idle:
		end = short(d.Lifetime) + " after the first use"
	}
	fmt.Fprintf(w, "    They end  %s\n", end)
	if d.FlaskConfig == "" {
		fmt.Fprintf(w, "              %v after the login, if the visitor asks to be remembered\n", short(max(register.Remember, d.Idle, d.Lifetime)))
	}
	fmt.Fprint(w, "    Stop      Ctrl-C\n\n")
	if !loopback(addr) {
		fmt.Fprintf(w, "  Anybody in the network can reach %v, and read along: it is plain HTTP.\n\n", addr)
	}
}

// visitURL is what to type into a browser: the host as it was asked for, the
// port as it was given.
func visitURL(asked string, got net.Addr) string {
	host, _, _ := net.SplitHostPort(asked)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(got.String())
	return "http://" + net.JoinHostPort(host, port) + "/"
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
