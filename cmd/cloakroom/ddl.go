package main

import (
	"fmt"

	"github.com/cloakroom/cloakroom/store/sqlstore"
)

type ddlCmd struct {
	Database string `arg:"" enum:"postgresql,postgres,mysql,mariadb,sqlite" placeholder:"DATABASE" help:"postgresql, mysql, mariadb or sqlite."`

	Layout   string `enum:"native,flask-sqlalchemy,flask-postgresql" default:"native" help:"native, or one of Flask-Session's: flask-sqlalchemy, flask-postgresql."`
	Schema   string `placeholder:"NAME" help:"The schema of the table; in MySQL its database. Left out, that of the connection."`
	Table    string `placeholder:"NAME" help:"The table. Left out, that of the layout: cloakroom_sessions, sessions or flask_sessions."`
	Sequence string `placeholder:"NAME" help:"The sequence that numbers the rows of flask-sqlalchemy."`
}

// Help is the text of `cloakroom ddl --help`.
func (ddlCmd) Help() string {
	return "Prints the statements that make the table of a SQL store and its indexes where they are missing, for those who let nobody " +
		"but an administrator do that. The options are those of the store's URL."
}

// Run prints the statements.
func (c *ddlCmd) Run(s streams) error {
	dialect := sqlstore.Dialect(c.Database)
	switch c.Database {
	case "postgres":
		dialect = sqlstore.PostgreSQL
	case "mariadb":
		dialect = sqlstore.MySQL
	}
	text, err := sqlstore.DDL(dialect, sqlstore.Options{
		Layout: sqlstore.Layout(c.Layout), Schema: c.Schema, Table: c.Table, Sequence: c.Sequence,
	})
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
