package sqlstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestExpiriesAreRoundedUp(t *testing.T) {
	base := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	east := time.FixedZone("", 9*3600)
	for _, c := range []struct {
		name  string
		d     Dialect
		l     Layout
		in    time.Time
		out   time.Time
		value any
	}{
		{"exact", MySQL, Native, base, base, "2026-02-03 04:05:06.000000"},
		{"nanoseconds", MySQL, Native, base.Add(1), base.Add(time.Microsecond), "2026-02-03 04:05:06.000001"},
		{"another zone", SQLite, Native, base.In(east), base, "2026-02-03 04:05:06.000000"},
		{"time", PostgreSQL, Native, base.Add(1).In(east), base.Add(time.Microsecond), base.Add(time.Microsecond)},
		{"seconds", MySQL, FlaskSQLAlchemy, base.Add(1), base.Add(time.Second), "2026-02-03 04:05:07.000000"},
		{"never", MySQL, Native, time.Time{}, time.Time{}, nil},
		{"Flask's never", SQLite, FlaskSQLAlchemy, time.Time{}, time.Time{}, "9999-12-31 00:00:00.000000"},
		{"never in Flask's PostgreSQL", PostgreSQL, FlaskPostgreSQL, time.Time{}, time.Time{}, nil},
		{"after the last year", MySQL, Native, base.AddDate(9000, 0, 0), time.Time{}, nil},
		{"before the first one", MySQL, Native, time.Time{}.Add(1), time.Unix(0, 0), "1970-01-01 00:00:00.000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := clockOf(c.d, c.l)
			got := clock.round(c.in)
			if !got.Equal(c.out) || got.IsZero() != c.out.IsZero() {
				t.Errorf("round = %v, want %v", got, c.out)
			}
			if v := clock.value(got); v != c.value {
				t.Errorf("value = %v, want %v", v, c.value)
			}
			back := scan{clock: clock}
			if err := back.Scan(clock.value(got)); err != nil || !back.at.Equal(c.out) {
				t.Errorf("read back %v, %v, want %v", back.at, err, c.out)
			}
		})
	}
}

func TestExpiriesAreReadFromAnyForm(t *testing.T) {
	want := time.Date(2024, 2, 2, 3, 4, 5, 678900000, time.UTC)
	for _, src := range []any{"2024-02-02 03:04:05.678900", []byte("2024-02-02 03:04:05.6789"), want.In(time.FixedZone("", 60))} {
		var s scan
		if err := s.Scan(src); err != nil || !s.at.Equal(want) {
			t.Errorf("Scan(%v) = %v, %v, want %v", src, s.at, err, want)
		}
	}
	for _, src := range []any{"soon", int64(5), []byte{}} {
		if err := new(scan).Scan(src); err == nil {
			t.Errorf("Scan(%v) = nil, want an error", src)
		}
	}
}

// The errors of the three kinds of drivers, as they are made.
type (
	stateError  struct{ state string }
	MySQLError  struct{ Number uint16 }
	sqliteError struct{ code int }
	mattnError  struct{ Code, ExtendedCode int }
)

func (e *stateError) Error() string    { return "ERROR: key (hunter2) (SQLSTATE " + e.state + ")" }
func (e *stateError) SQLState() string { return e.state }
func (e *MySQLError) Error() string    { return fmt.Sprintf("Error %d: entry 'hunter2'", e.Number) }
func (e *sqliteError) Error() string   { return "database is locked" }
func (e *sqliteError) Code() int       { return e.code }
func (e mattnError) Error() string     { return "disk is full" }

func TestKindsOfErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want kind
	}{
		{"deadlock in PostgreSQL", &stateError{"40P01"}, undone},
		{"serialization failure", fmt.Errorf("x: %w", &stateError{"40001"}), undone},
		{"deadlock in MySQL", &MySQLError{1213}, undone},
		{"wrong password", &stateError{"28P01"}, password},
		{"connection lost", &stateError{"08006"}, unreachable},
		{"shut down", &stateError{"57P01"}, unreachable},
		{"disk full in PostgreSQL", errors.Join(errors.New("x"), &stateError{"53100"}), full},
		{"too many connections", &MySQLError{1040}, crowded},
		{"busy with extended code", &sqliteError{517}, busy},
		{"full, by mattn", mattnError{13, 13}, full},
		{"nobody may come from this host", &MySQLError{1130}, password},
		{"cannot open", &sqliteError{14}, closedFile},
		{"disk error with extended code", &sqliteError{778}, badDisk},
		{"none of them", errors.New("x"), other},
		{"nothing to do", &stateError{"XX000"}, other},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kindOf(c.err); got != c.want {
				t.Errorf("kind = %v, want %v", got, c.want)
			}
		})
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	s := &Store{opts: Options{Dialect: PostgreSQL, Table: "t"}}
	for _, err := range []error{
		&stateError{"23505"}, &stateError{"22001"}, &MySQLError{1062}, &MySQLError{1366},
		errors.New("unable to encode hunter2 into binary format"), errors.New("something with hunter2 in it"),
	} {
		got := s.fail(t.Context(), "save", "hunter2", err)
		if strings.Contains(got.Error()+store.Advice(got), "hunter2") || !errors.Is(got, err) {
			t.Errorf("error = %v, want one that says nothing of the key, and is the driver's", got)
		}
	}
}

func TestDDL(t *testing.T) {
	for _, c := range []struct {
		name string
		d    Dialect
		o    Options
		want []string
	}{
		{"PostgreSQL", PostgreSQL, Options{}, []string{`CREATE TABLE IF NOT EXISTS "cloakroom_sessions" (`, `COLLATE "C"`, `"cloakroom_sessions_expires" ON "cloakroom_sessions" (expires);`}},
		{"with a schema", PostgreSQL, Options{Schema: "s", Table: "t"}, []string{`"s"."t"`, `"t_expires" ON "s"."t"`}},
		{"quotes in a name", PostgreSQL, Options{Table: `a"; DROP TABLE b; --`}, []string{`"a""; DROP TABLE b; --"`}},
		{"backticks in a name", MySQL, Options{Table: "a`b"}, []string{"`a``b`", "VARBINARY(250)"}},
		{"SQLite with a schema", SQLite, Options{Schema: "main"}, []string{`"main"."cloakroom_sessions" (`, `"main"."cloakroom_sessions_expires" ON "cloakroom_sessions"`}},
		{"sequence", PostgreSQL, Options{Layout: FlaskSQLAlchemy, Sequence: "q"}, []string{`CREATE SEQUENCE IF NOT EXISTS "q";`, "id INTEGER NOT NULL"}},
		{"Flask's schema", PostgreSQL, Options{Layout: FlaskPostgreSQL}, []string{`"public"."flask_sessions"`, `"uq_flask_sessions_session_id"`, `"flask_sessions_expiry_idx"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DDL(c.d, c.o)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("DDL lacks %s:\n%s", want, got)
				}
			}
		})
	}
	if _, err := DDL("", Options{}); err == nil {
		t.Error("DDL without a dialect = nil, want an error")
	}
}

// Every word of every statement must have a meaning, in each dialect.
func TestStatementsOfAllDialects(t *testing.T) {
	for _, d := range []Dialect{PostgreSQL, MySQL, SQLite} {
		for _, l := range []Layout{Native, FlaskSQLAlchemy, FlaskPostgreSQL} {
			o := Options{Dialect: d, Layout: l, Table: `{odd} $name`}
			if o.normalize() != nil {
				continue
			}
			s := newStatements(&o)
			if q := s.load; !strings.Contains(q.text, o.Dialect.quote(o.Table)) || len(q.args) == 0 {
				t.Errorf("%s %s: load is %s with %v", d, l, q.text, q.args)
			}
		}
	}
}
