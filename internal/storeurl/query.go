package storeurl

import (
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Query parses the query of a URL. Its errors quote none of it.
func Query(u *url.URL) (url.Values, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err == nil {
		return values, nil
	}
	for i, part := range parameters(u) {
		if _, err := url.ParseQuery(part); err != nil {
			return nil, mistake(fmt.Sprintf("the URL's query is malformed: parameter %d is not well escaped", i+1), "Write special characters in a query as %XX, as in %25 for a percent sign.")
		}
	}
	return nil, Mistake("the URL's query is malformed")
}

func parameters(u *url.URL) []string { return strings.Split(u.RawQuery, "&") }

// Unknown returns the names of the query parameters of a URL that are none of the
// known ones, sorted and quoted, for an error. A name that may be a piece of a
// password is replaced by its number: a query may hold a password with & in it,
// and so may a URL whose password has a question mark.
func Unknown(u *url.URL, names iter.Seq[string], known []string) []string {
	var unknown []string
	for _, name := range slices.Sorted(names) {
		switch {
		case slices.Contains(known, name):
		case showable(u, name, known):
			unknown = append(unknown, strconv.Quote(name))
		default:
			unknown = append(unknown, position(u, name))
		}
	}
	return unknown
}

func position(u *url.URL, name string) string {
	if i := slices.IndexFunc(parameters(u), named(name)); i >= 0 {
		return "number " + strconv.Itoa(i+1)
	}
	return "(not shown)"
}

// named reports of a parameter whether it has a name, and a value.
func named(name string) func(string) bool {
	return func(part string) bool {
		head, _, _ := strings.Cut(part, "=")
		text, err := url.QueryUnescape(head)
		return err == nil && strings.EqualFold(text, name)
	}
}

func showable(u *url.URL, name string, known []string) bool {
	if plainWords[strings.ToLower(name)] || slices.ContainsFunc(known, func(k string) bool { return near(k, name) }) {
		return true
	}
	parts := parameters(u)
	at := slices.IndexFunc(parts, named(name))
	// Without a value, behind a secret one, or where user:?… stands for a host
	// whose port is missing, it may be a piece of a password.
	return at >= 0 && identifier(name) && strings.Contains(parts[at], "=") && !slices.ContainsFunc(parts[:at], secretParameter) &&
		!Doubtful(u) && (u.User != nil || !strings.HasSuffix(u.Host, ":"))
}

// near reports whether b is a but for a slip: a letter more, less or another, or
// two exchanged.
func near(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// secretNames are what the names of parameters have in them whose values are
// secret.
var secretNames = []string{"pass", "pwd", "secret", "token", "cred", "auth"}

// secretParameter reports whether the value of a parameter may be secret.
func secretParameter(part string) bool {
	name, value, found := strings.Cut(part, "=")
	name = strings.ToLower(lenient(name))
	// A URL in a parameter may have a user and a password, too.
	return found && (strings.Contains(lenient(value), "@") ||
		slices.ContainsFunc(secretNames, func(s string) bool { return strings.Contains(name, s) }))
}

// secretValues are the values of a query that may be secret, as they are written,
// each with what follows up to the next parameter: a password may have an & in it.
func secretValues(query string) []string {
	var values []string
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if !secretParameter(part) {
			continue
		}
		_, value, _ := strings.Cut(part, "=")
		for _, more := range parts[i+1:] {
			if head, _, found := strings.Cut(more, "="); found && identifier(head) {
				break
			}
			value += "&" + more
		}
		values = append(values, value)
	}
	return values
}

func identifier(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz_.-0123456789") == ""
}

// plainWords are words that errors are made of, and names of parameters that are
// often tried. They are no secret, even if they are somebody's password.
var plainWords = words(`
	access account address auth authentication bad because broken cannot certificate channel client cloakroom closed
	command config configuration connect connection context could credentials deadline default denied dial directory
	does driver dynamodb dynamostore empty endpoint enough error exceeded exist exists expected failed fatal file found
	from handshake have host instance internal invalid known layout localhost lookup main mariadb memcached
	memcachedstore missing mongo mongodb mongostore must mysql name names network none number open pair parameter
	parse password permission ping pong port postgres postgresql prefix query reach reason redis redisstore refused
	region request required reset rest running scheme selection server servers session sessions socket
	sqlite sqlstore start state store stores such table that this timeout time topology unexpected unknown unreachable
	unsupported user username using valid value values wait when which with without wrong wrongpass your
	http https url
	addr cache charset database db decode_responses dsn expire expiry gssencmode health_check_interval lifetime
	max_connections maxsize pool pool_size poolsize protocol read_timeout retries ssl sslmode sweep tls ttl write_timeout
`)

func words(text string) map[string]bool {
	return maps.Collect(func(yield func(string, bool) bool) {
		for _, w := range strings.Fields(text) {
			if !yield(w, true) {
				return
			}
		}
	})
}
