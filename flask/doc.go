// Package flask reads the configuration of Flask and Flask-Session, with their
// names, types, defaults and meaning: from a map, the environment, or a file.
//
//	cfg, err := flask.Load(flask.FromFile("config.json", nil), flask.FromEnv(os.Environ()))
//
// Later sources win. Every problem is reported at once, each with its key,
// where it was set, and the nearest right name.
package flask
