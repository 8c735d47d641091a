package sqlstore

// statements are the queries of one dialect and table.
type statements struct {
	load    query               // data, expiry, token
	loadAll [len(batches)]query // key, data, expiry, token
	create  query
	replace query
	remove  query // if it is still the same
	exists  query
	touch   query
	delete  query
	page    query // position, key, whether it is wanted, data, expiry, token
	ping    query // whether it is read-only

	clean   cleaning
	grammar *grammar // of what is put together later
}

// The words of statements that change a record if it is still the same.
const (
	replaceWords = "UPDATE {table} SET {data} = $data, {expires} = {mark}{set token} WHERE {this} AND {same} AND {live}"
	removeWords  = "DELETE FROM {table} WHERE {this} AND {same} AND {live}"
)

// newStatements returns the queries for normalized options.
func newStatements(o *Options) statements {
	g := newGrammar(o)
	s := statements{
		load:    g.query("SELECT {stored}, {out}, {token} FROM {table} WHERE {this} AND {live}{first}"),
		replace: g.query(replaceWords),
		remove:  g.query(removeWords),
		exists:  g.query("SELECT 1 FROM {table} WHERE {this} AND {live}{first}"),
		touch:   g.query("UPDATE {table} SET {expires} = {later} WHERE {this} AND {live}"),
		delete:  g.query("DELETE FROM {table} WHERE {this}"),
		// Rows that are not wanted are counted too, so that no statement has to
		// pass over a million of them.
		page: g.query("SELECT {pos}, {key}, CASE WHEN {listed} THEN 1 ELSE 0 END, CASE WHEN {listed} THEN {stored} END, CASE WHEN {listed} THEN {out} END, {token}" +
			" FROM {table} WHERE {beyond} ORDER BY {pos} LIMIT $limit"),
		ping: g.query("SELECT {read only}, (SELECT COUNT(*) FROM" +
			" (SELECT {probe} FROM {table} LIMIT 0) AS probe)"),
		clean:   newCleaning(o, g),
		grammar: g,
	}
	for i, n := range batches {
		s.loadAll[i] = g.loadAll(n)
	}
	if o.Dialect == MySQL {
		s.create = g.query("INSERT INTO {table} ({columns}) VALUES ({values}) ON DUPLICATE KEY UPDATE {renew}")
	} else {
		s.create = g.query("INSERT INTO {table} AS old ({columns}) VALUES ({values})" +
			" ON CONFLICT ({key}) DO UPDATE SET {renew} WHERE ({live old}) IS NOT TRUE")
	}
	return s
}
