package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
)

// code is the number that a database gave an error. The store imports no
// driver, so it looks at how their errors are made.
type code struct {
	state  string // PostgreSQL's SQLSTATE
	mysql  int
	sqlite int // with the extended part
}

// codeOf finds the number in the chain of err.
func codeOf(err error) code {
	for err != nil {
		if e, ok := err.(interface{ SQLState() string }); ok { // pgx, lib/pq
			return code{state: e.SQLState()}
		}
		v := reflect.ValueOf(err)
		if n, ok := number(v, "ExtendedCode", "Code"); ok { // SQLite's drivers
			return code{sqlite: n}
		}
		if n, ok := number(v, "Number"); ok { // go-sql-driver
			return code{mysql: n}
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				if c := codeOf(e); c != (code{}) {
					return c
				}
			}
			return code{}
		}
		err = errors.Unwrap(err)
	}
	return code{}
}

// number is the first of the methods or fields of these names that gives a
// number.
func number(v reflect.Value, names ...string) (int, bool) {
	for _, name := range names {
		var n reflect.Value
		if m := v.MethodByName(name); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
			n = m.Call(nil)[0]
		} else if s := reflect.Indirect(v); s.Kind() == reflect.Struct {
			n = s.FieldByName(name)
		}
		switch {
		case !n.IsValid():
		case n.CanInt():
			return int(n.Int()), true
		case n.CanUint():
			return int(n.Uint()), true
		}
	}
	return 0, false
}

// kindOf tells what can be done about err.
func kindOf(err error) kind {
	c := codeOf(err)
	switch {
	case c.state != "":
		return stateKind(c.state)
	case c.mysql != 0:
		return mysqlKinds[c.mysql]
	case c.sqlite != 0:
		return sqliteKind(c.sqlite, err)
	case strings.Contains(err.Error(), "packet for query is too large"): // go-sql-driver's own
		return tooLarge
	case isNetwork(err):
		return unreachable
	}
	return other
}

func isNetwork(err error) bool {
	var e net.Error
	return errors.As(err, &e) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		strings.Contains(err.Error(), "invalid connection") // go-sql-driver's
}

var stateKinds = map[string]kind{
	"40001": undone, // serialization failure
	"40P01": undone, // deadlock
	"42P01": noTable,
	"42703": noTable, // column
	"3F000": noDatabase,
	"3D000": noDatabase,
	"42P10": noUnique,
	"42501": forbidden,
	"25006": readOnly,
	"53100": full,
	"54000": tooLarge,
	"53300": crowded,
	"57P03": unreachable, // it starts or stops
	"42P05": pooled,      // prepared statement exists
	"26000": pooled,      // does not exist
}

func stateKind(state string) kind {
	if k, ok := stateKinds[state]; ok {
		return k
	}
	switch state[:min(2, len(state))] {
	case "28":
		return password
	case "08":
		return unreachable
	}
	if strings.HasPrefix(state, "57P") { // it was shut down
		return unreachable
	}
	return other
}

var mysqlKinds = map[int]kind{
	1213: undone, // deadlock
	1615: undone, // prepared statement needs to be prepared again
	1020: undone, // record has changed since it was read
	1146: noTable,
	1054: noTable, // column
	1049: noDatabase,
	1044: noDatabase, // or no right to see it
	1045: password,
	1698: password,
	1130: password, // nobody may come from this host
	1142: forbidden,
	1143: forbidden,
	1227: forbidden,
	1290: readOnly,
	1792: readOnly,
	1836: readOnly,
	1021: full,
	1114: full,
	3675: full,
	1153: tooLarge,
	1301: tooLarge,
	1406: tooLarge,
	1040: crowded,
	1203: crowded,
	1226: crowded,
	1053: unreachable, // it stops
	1927: unreachable, // connection was killed
}

// mysqlDiscreet are the errors whose text holds no values.
var mysqlDiscreet = map[int]bool{
	1020: true, 1021: true, 1040: true, 1044: true, 1045: true, 1049: true, 1053: true, 1054: true, 1114: true,
	1130: true, 1142: true, 1143: true, 1146: true, 1153: true, 1203: true, 1205: true, 1213: true, 1226: true, 1227: true,
	1290: true, 1406: true, 1615: true, 1698: true, 1792: true, 1836: true, 1927: true,
}

func sqliteKind(n int, err error) kind {
	switch n & 0xff {
	case 5, 6: // busy, locked
		return busy
	case 1: // also every mistake in a statement
		text := err.Error()
		switch {
		case strings.Contains(text, "no such table"), strings.Contains(text, "no such column"), strings.Contains(text, "no column named"):
			return noTable
		case strings.Contains(text, "ON CONFLICT clause does not match"):
			return noUnique
		}
	case 3, 14, 23: // no permission, cannot be opened, not authorized
		return closedFile
	case 8:
		return readOnly
	case 10:
		return badDisk
	case 11, 26:
		return damaged
	case 13:
		return full
	case 18:
		return tooLarge
	}
	return other
}
