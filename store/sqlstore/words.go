package sqlstore

import (
	"maps"
	"strconv"
)

// mark is the least number that MySQL's LAST_INSERT_ID returns where one of
// our statements has met the record. Row numbers are far below.
//
// MySQL counts the rows that a statement has changed, or those that it has
// found, as the program set up its driver, and neither says whether a record
// was met that needed no change. The argument of LAST_INSERT_ID comes back in
// the same answer.
const mark = 1 << 62

// newGrammar returns the words of the dialect and table that the normalized
// options name.
func newGrammar(o *Options) *grammar {
	c := layouts[o.Layout]
	g := &grammar{dialect: o.Dialect, words: map[string]string{
		"table":   "=" + qualified(o, o.Table),
		"key":     c.key,
		"data":    c.data,
		"expires": c.expires,
		"pos":     c.pos,

		// The record of a key, and a condition that it must meet.
		"this":     "{key} = $key",
		"first":    "",
		"order":    "",
		"live":     liveWord("", o.Layout),
		"live old": liveWord("old.", o.Layout),
		"dead":     "{expires} <= {now}",

		// What is compared, and what is read.
		"same":   "token = $old",
		"token":  "token",
		"stored": "{data}",

		// The columns that there must be.
		"probe": "{key}, {data}, {expires}, token",

		// Where a page of a walk begins, and which of its rows are wanted.
		"beyond": "{pos} > $after AND {pos} >= $prefix AND {pos} < $end",
		"listed": "{live}",

		// Columns of an insertion, and what replaces an expired record.
		"columns":   "{key}, {data}, {expires}, token",
		"values":    "$key, $data, {in}, $token",
		"set token": ", token = $token",
		"renew":     "{data} = excluded.{data}, {expires} = excluded.{expires}, token = excluded.token",
	}}
	switch o.Dialect {
	case PostgreSQL:
		g.postgresql()
	case MySQL:
		g.mysql()
	default:
		g.sqlite()
	}
	switch o.Layout {
	case FlaskSQLAlchemy:
		g.flaskSQLAlchemy(o)
	case FlaskPostgreSQL:
		g.flaskPostgreSQL(o)
	}
	return g
}

// qualified is a name in the schema of the options, quoted.
func qualified(o *Options, name string) string {
	if o.Schema == "" {
		return o.Dialect.quote(name)
	}
	return o.Dialect.quote(o.Schema) + "." + o.Dialect.quote(name)
}

// liveWord is the condition that a record has not expired, of the row that of
// says. It is NULL where FlaskSQLAlchemy has no expiry.
func liveWord(of string, l Layout) string {
	at := of + "{expires}"
	switch l {
	case FlaskSQLAlchemy:
		return at + " > {now}"
	case FlaskPostgreSQL:
		return "(" + at + " IS NULL OR " + at + " AT TIME ZONE {zone} > statement_timestamp())"
	}
	return "(" + at + " IS NULL OR " + at + " > {now})"
}

func (g *grammar) add(words map[string]string) { maps.Copy(g.words, words) }

func (g *grammar) postgresql() {
	g.add(map[string]string{
		// Not clock_timestamp, with which no index can be used, nor now, which
		// is the beginning of a transaction.
		"now": "statement_timestamp()",
		// With a type, as some modes of pgx cannot find it out.
		"in":    "$expires::timestamptz",
		"mark":  "{in}",
		"out":   "{expires}",
		"later": "CASE WHEN {expires} IS NULL OR $expires::timestamptz IS NULL THEN NULL WHEN {out} >= $expires::timestamptz THEN {expires} ELSE {in} END",
		"empty": "''::bytea",

		"read only": "current_setting('transaction_read_only') = 'on'",
	})
}

func (g *grammar) mysql() {
	g.add(map[string]string{
		"now": "UTC_TIMESTAMP(6)",
		"in":  "CAST($expires AS DATETIME(6))",
		// The key's length makes it depend on the row, lest it be computed once.
		"marked": "LAST_INSERT_ID(" + strconv.FormatInt(mark, 10) + " + LENGTH({key})) = 0",
		"mark":   "IF({marked}, NULL, {in})",
		"out":    "CAST({expires} AS CHAR)",
		"later":  "IF({marked}, NULL, GREATEST({expires}, {in}))", // NULL if either is
		"empty":  "''",

		"read only": "@@global.read_only NOT IN ('0', 'OFF')", // newer ones have words

		// The same without an argument, for an insertion that meets a live
		// record: by 1 or, if it is the record of another key, by 2.
		"met":         "LAST_INSERT_ID(" + strconv.FormatInt(mark, 10) + " + IF(CAST({key} AS BINARY) = CAST(VALUES({key}) AS BINARY), 1, 2)) = 0",
		"renew":       "{renew key}{data} = IF({live}, {data}, VALUES({data})), {renew token}{expires} = IF({live}, IF({met}, NULL, {expires}), VALUES({expires}))",
		"renew key":   "",
		"renew token": "token = IF({live}, token, VALUES(token)), ",
	})
}

func (g *grammar) sqlite() {
	g.add(map[string]string{
		"now":  "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
		"in":   "$expires",
		"mark": "{in}",
		// An expression has no declared type, by which drivers would convert.
		"out":   "CAST({expires} AS TEXT)",
		"later": "max({expires}, $expires)", // NULL if either is
		"empty": "x''",

		"read only": "0",
	})
}

// flask is what the tables of Flask-Session have in common.
func (g *grammar) flask() {
	g.add(map[string]string{
		"token":     "0",
		"stored":    "COALESCE({data}, {empty})",
		"probe":     "{key}, {data}, {expires}",
		"columns":   "{key}, {data}, {expires}",
		"values":    "$key, $data, {in}",
		"set token": "",
		"renew":     "{data} = excluded.{data}, {expires} = excluded.{expires}",
		// In whatever order the column sorts, so that no range has a prefix.
		"beyond": "{pos} > $after",
	})
}

func (g *grammar) flaskSQLAlchemy(o *Options) {
	renew := g.words["renew"]
	g.flask()
	g.add(map[string]string{
		// Without a unique index there may be several rows, of which
		// Flask-Session sees the first.
		"first":  " ORDER BY id LIMIT 1",
		"order":  " ORDER BY id",
		"last":   "$end",
		"probe":  "id, {key}, {data}, {expires}",
		"listed": "({live} AND substr({key}, 1, LENGTH($prefix)) = $prefix)",
	})
	switch g.dialect {
	case PostgreSQL:
		g.add(map[string]string{
			"beyond": "{pos} > $after::bigint", // or it would be a parameter of id's type
			"last":   "$end::bigint",
			"now":    "(statement_timestamp() AT TIME ZONE 'UTC')",
			"in":     "($expires::timestamptz AT TIME ZONE 'UTC')",
			"out":    "({expires} AT TIME ZONE 'UTC')",
			"same":   "sha256({stored}) = $old",
			"listed": "({live} AND starts_with({key}, $prefix))",
		})
	case MySQL:
		g.add(map[string]string{
			// Found by the index, which may ignore case, then compared for good.
			"this":        "{key} = $key AND CAST({key} AS BINARY) = $key",
			"in":          "CAST($expires AS DATETIME)",
			"same":        "SHA2({stored}, 256) = $old",
			"listed":      "({live} AND LEFT(CAST({key} AS BINARY), LENGTH($prefix)) = $prefix)",
			"renew":       renew,
			"renew key":   "{key} = IF({live}, {key}, VALUES({key})), ",
			"renew token": "",
		})
	default:
		g.add(map[string]string{"same": "CAST({stored} AS BLOB) = $old"})
	}
	if o.Sequence == "" {
		return
	}
	next := "NEXTVAL(" + qualified(o, o.Sequence) + ")"
	if g.dialect == PostgreSQL {
		next = "nextval(" + literal(qualified(o, o.Sequence)) + ")"
	}
	g.words["next"] = "=" + next
	g.words["columns"] += ", id"
	g.words["values"] += ", {next}"
}

func (g *grammar) flaskPostgreSQL(o *Options) {
	zone := "current_setting('TimeZone')"
	if o.TimeZone != "" {
		zone = literal(o.TimeZone)
	}
	g.flask()
	g.add(map[string]string{
		"zone": "=" + zone,
		"in":   "($expires::timestamptz AT TIME ZONE {zone})",
		"out":  "({expires} AT TIME ZONE {zone})",
		"same": "sha256({stored}) = $old",
		// The first condition is for the index. In the hour that a zone has
		// twice it may hold for a record that the second one knows to live.
		"dead":   "({expires} <= statement_timestamp() AT TIME ZONE {zone} AND {out} <= statement_timestamp())",
		"listed": "({live} AND starts_with({key}, $prefix))",
		"renew":  g.words["renew"] + ", created = DEFAULT",
	})
}
