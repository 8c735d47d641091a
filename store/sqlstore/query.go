package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
)

// A query is one statement with the arguments that it takes.
type query struct {
	text   string
	args   []string
	before int // arguments of the same statement that come before these
}

// params are the values that the arguments of a query stand for.
type params struct {
	key     string
	data    []byte
	expires any // from clock.value
	token   int64
	old     any // what is compared: a token, data or its digest
	after   any // where a page begins: a key or a number
	prefix  string
	end     any // where it ends
	limit   int64
	name    string // a lock's
}

func (p *params) value(arg string) any {
	switch arg {
	case "key":
		return p.key
	case "data":
		return p.data
	case "expires":
		return p.expires
	case "token":
		return p.token
	case "old":
		return p.old
	case "after":
		return p.after
	case "prefix":
		return p.prefix
	case "end":
		return p.end
	case "limit":
		return p.limit
	default:
		return p.name
	}
}

// values returns the arguments of q in their order.
func (q *query) values(p *params) []any {
	values := make([]any, len(q.args))
	for i, arg := range q.args {
		values[i] = p.value(arg)
	}
	return values
}

// A grammar is how one dialect spells, for one table, what the statements
// have in common. The statements are written once, in words: {live} is
// replaced by the text of that word, which may contain words again, and
// $expires is an argument. A word that begins with = is text as it is.
type grammar struct {
	dialect Dialect
	words   map[string]string
}

// query makes the query of a statement in words.
func (g *grammar) query(text string) query {
	var q query
	var b strings.Builder
	g.expand(&q, &b, text)
	q.text = b.String()
	return q
}

func (g *grammar) expand(q *query, b *strings.Builder, text string) {
	for {
		i := strings.IndexAny(text, "{$")
		if i < 0 {
			b.WriteString(text)
			return
		}
		b.WriteString(text[:i])
		if text[i] == '$' {
			end := i + 1
			for end < len(text) && text[end] >= 'a' && text[end] <= 'z' {
				end++
			}
			b.WriteString(g.placeholder(q, text[i+1:end]))
			text = text[end:]
			continue
		}
		word, rest, _ := strings.Cut(text[i+1:], "}")
		meaning, ok := g.words[word]
		if !ok {
			panic(fmt.Sprintf("sqlstore: %s has no word %q", g.dialect, word)) // a mistake in this package
		}
		if raw, ok := strings.CutPrefix(meaning, "="); ok {
			b.WriteString(raw)
		} else {
			g.expand(q, b, meaning)
		}
		text = rest
	}
}

func (g *grammar) placeholder(q *query, arg string) string {
	if g.dialect != PostgreSQL {
		q.args = append(q.args, arg)
		return "?"
	}
	for i, a := range q.args {
		if a == arg {
			return "$" + strconv.Itoa(q.before+i+1)
		}
	}
	q.args = append(q.args, arg)
	return "$" + strconv.Itoa(q.before+len(q.args))
}
