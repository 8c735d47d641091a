package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/pelletier/go-toml/v2"
)

// loadFlaskConfig reads a file of Flask's configuration and then the
// environment, which wins.
func loadFlaskConfig(file string, insecure bool) (flask.Config, error) {
	source, err := flaskConfigFile(file)
	if err != nil {
		return flask.Config{}, err
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) { // the one problem worth telling about
		return flask.Config{}, usageError{fmt.Errorf("--flask-config: there is no file %s", file)}
	}
	cfg := flask.DefaultConfig()
	cfg.InsecureSecrets = insecure
	err = cfg.Load(source, flask.FromEnv(os.Environ()))
	if err != nil && strings.Contains(err.Error(), "InsecureSecrets") {
		return cfg, hint(fmt.Errorf("--flask-config: %w", err), "to try it all the same: --insecure-secrets")
	}
	if err != nil {
		return cfg, fmt.Errorf("--flask-config: %w", err)
	}
	return cfg, nil
}

// flaskConfigFile is a .toml or .json file with keys of Flask's.
func flaskConfigFile(file string) (flask.Source, error) {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json":
		return flask.FromFile(file, nil), nil
	case ".toml":
		return flask.FromFile(file, loadTOML), nil
	}
	return flask.Source{}, usageError{hint(fmt.Errorf("--flask-config: %s is neither a .toml nor a .json file", file),
		"write what app.config has into one, as in SESSION_TYPE = \"filesystem\"; a .py file is a program")}
}

func loadTOML(data []byte) (map[string]any, error) {
	var m map[string]any
	if err := toml.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// openFlask opens the place that a Flask configuration names.
func openFlask(ctx context.Context, file string, insecure bool) (*place, error) {
	cfg, err := loadFlaskConfig(file, insecure)
	if err != nil {
		return nil, err
	}
	s, err := flask.OpenStore(ctx, cfg, openers())
	if err != nil {
		if advice := store.Advice(err); advice != "" {
			return nil, hint(err, "%s", advice)
		}
		return nil, err
	}
	p := &place{store: s, idle: cfg.Lifetime}
	p.sessions = func(opts cloakroom.Options) (*cloakroom.Manager, error) { return flask.New(s, cfg, opts) }
	p.describeFlask(&cfg)
	for _, w := range cfg.Warnings {
		p.note("Note: %s", w)
	}
	if cfg.Type != flask.TypeNull {
		p.note("A Flask application with the same configuration shares them, on the same host name")
	}
	return p, nil
}

func (p *place) describeFlask(cfg *flask.Config) {
	p.afterwards = "The sessions stay where they are."
	switch dir, isFiles := cacheDir(cfg); {
	case cfg.Type == flask.TypeCookie:
		p.keeps = "the session itself, in Flask's signed cookie: you can read it, but not change it"
		p.forVisitor = "the cookie itself"
		p.forOperator = "in the visitors' cookies, signed as by Flask, and readable"
	case cfg.Type == flask.TypeNull:
		p.keeps, p.forVisitor = "nothing: this is Flask's null session", "no place at all"
		p.forOperator = "nowhere: SESSION_TYPE is null"
	case cfg.Type == flask.TypeFileSystem:
		p.forVisitor = "files on the computer that serves this page"
		p.forOperator = "in files of Flask-Session, in " + absolute(cfg.FileDir)
	case cfg.Type == flask.TypeCacheLib && isFiles:
		p.forVisitor = "files on the computer that serves this page"
		p.forOperator = "in files of cachelib, in " + absolute(dir)
	default:
		p.forVisitor = "a database"
		p.forOperator = "in " + string(cfg.Type) + ", as Flask-Session keeps them"
	}
}

// cacheDir returns the directory of SESSION_CACHELIB, and false if that is a
// server.
func cacheDir(cfg *flask.Config) (dir string, isFiles bool) {
	if cfg.CacheLib == "" {
		return "flask_session", true
	}
	u, err := url.Parse(string(cfg.CacheLib))
	if err != nil || u.Scheme != "cachelib" {
		return "", false
	}
	return u.Opaque + u.Path, true
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
