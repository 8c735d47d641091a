// Package flask shares sessions with Flask applications: Flask's own signed
// cookie, and the records that Flask-Session keeps, in both directions.
//
// Load reads the configuration of both, with their names, types, defaults and
// meaning: from a map, the environment, or a file. Later sources win. Every
// problem is reported at once, each with its key, where it was set, and the
// nearest right name. OpenStore opens the store that the configuration names,
// and New makes a Manager whose cookies and records are Flask's:
//
//	cfg, err := flask.Load(flask.FromFile("config.json", nil), flask.FromEnv(os.Environ()))
//	records, err := flask.OpenStore(ctx, cfg, openers)
//	sessions, err := flask.New(records, cfg, cloakroom.Options{})
//
// The page docs/flask.md says how to move a site route by route, what a mixed
// fleet can promise, and where this package departs from Flask on purpose.
package flask
