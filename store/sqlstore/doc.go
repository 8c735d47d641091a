// Package sqlstore keeps sessions in a database of database/sql.
package sqlstore
