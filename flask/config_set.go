package flask

import (
	"io/fs"
	"maps"
	"net/http"
	"strings"
)

// setter returns a function that reads a value with read and puts it into a
// field. A field keeps its value if the new one is refused.
func setter[T any](field func(*Config) *T, read func(any) (T, error)) func(*Config, any) error {
	return func(c *Config, v any) error {
		value, err := read(v)
		if err == nil {
			*field(c) = value
		}
		return err
	}
}

func setText(field func(*Config) *string) func(*Config, any) error {
	return setter(field, func(v any) (string, error) {
		if v == nil {
			return "", nil
		}
		return toText(v)
	})
}

func setBool(field func(*Config) *bool) func(*Config, any) error { return setter(field, toBool) }

func setInt(field func(*Config) *int) func(*Config, any) error {
	return setter(field, func(v any) (int, error) {
		if v == nil {
			return 0, nil
		}
		return toInt(v)
	})
}

var (
	setSameSite = setter(func(c *Config) *http.SameSite { return &c.CookieSameSite }, toSameSite)
	setMode     = setter(func(c *Config) *fs.FileMode { return &c.FileMode }, toMode)
	setType     = setter(func(c *Config) *Type { return &c.Type }, toType)
	setFormat   = setter(func(c *Config) *Format { return &c.Format }, toFormat)
)

// toType takes null for "null": FLASK_SESSION_TYPE=null is Python's None, of
// which Flask-Session makes a null session in 0.3.2 and an error in 0.8.
func toType(v any) (Type, error) {
	if v == nil {
		return TypeNull, nil
	}
	name, err := choice(v, typeNames, strings.ToLower)
	return Type(name), err
}

func toFormat(v any) (Format, error) {
	name, err := choice(v, formatNames, func(s string) string { return s })
	return Format(name), err
}

func choice(v any, names []string, fold func(string) string) (string, error) {
	switch t := v.(type) {
	case Type:
		v = string(t)
	case Format:
		v = string(t)
	}
	text, err := toText(v)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if fold(text) == name {
			return name, nil
		}
	}
	return "", &problem{"is none of " + strings.Join(names, ", "), nearest(text, names)}
}

func setDomain(c *Config, v any) error {
	if off, ok := v.(bool); ok && !off {
		c.CookieDomain, c.HostOnly = "", true
		return nil
	}
	if v == nil {
		c.CookieDomain, c.HostOnly = "", false
		return nil
	}
	text, ok := v.(string)
	if !ok {
		return wrong(v, "text or false")
	}
	switch strings.ToLower(text) {
	case "false", "none", "null":
		return problemf("is the text %q: write false or null without quotes, or leave the key out", text)
	}
	if err := validText(text); err != nil {
		return err
	}
	c.CookieDomain, c.HostOnly = text, text == "" // Python takes no text for false
	return nil
}

// setDatabaseURI does not look into the URL: it may be there for others. Check
// does if it is needed.
func setDatabaseURI(c *Config, v any) error {
	uri, err := toDatabaseURI(v)
	if err == nil {
		c.SQLAlchemyDatabaseURI = uri
	}
	return err
}

func toDatabaseURI(v any) (ClientURL, error) {
	switch u := v.(type) {
	case nil:
		return "", nil
	case ClientURL:
		return u, nil
	case string:
		return ClientURL(u), validText(u)
	}
	return "", wrong(v, "a URL")
}

// setBinds takes for each name a URL, or the table of settings that
// Flask-SQLAlchemy 3 allows, of which only the URL is of use.
func setBinds(c *Config, v any) error {
	table, ok := v.(map[string]any)
	if urls, isURLs := v.(map[string]ClientURL); isURLs {
		c.SQLAlchemyBinds = maps.Clone(urls)
		return nil
	}
	if v != nil && !ok {
		return wrong(v, "a table of URLs")
	}
	binds := map[string]ClientURL{}
	for name, value := range table {
		uri, err := toBind(value)
		if err != nil {
			return problemf("entry %q: %v", name, err)
		}
		binds[name] = uri
	}
	c.SQLAlchemyBinds = binds
	return nil
}

func toBind(v any) (ClientURL, error) {
	if settings, ok := v.(map[string]any); ok {
		v = settings["url"]
	}
	return toDatabaseURI(v)
}

// setBind is setBinds for one entry, from a variable with __ in its name.
func (c *Config) setBind(path []string, v any) error {
	if len(path) > 2 || len(path) == 2 && path[1] != "url" {
		return nil // a setting of an entry that is of no use here
	}
	uri, err := toBind(v)
	if err != nil {
		return problemf("entry %q: %v", path[0], err)
	}
	if c.SQLAlchemyBinds == nil {
		c.SQLAlchemyBinds = map[string]ClientURL{}
	}
	c.SQLAlchemyBinds[path[0]] = uri
	return nil
}
