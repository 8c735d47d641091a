// Package cachestore keeps the records that a process uses most in its memory,
// in front of any other store: reads of a session that has not changed cost no
// round trip.
//
//	sessions, err := cachestore.New(inner, cachestore.Options{StaleFor: 5 * time.Second})
//
// # What becomes visible when
//
// What goes through a [Store] is visible through it at once: once Save,
// SaveAll, Touch or Delete has returned, no later Load sees the record as it
// was before, not even if it was being loaded at that moment. What another process saves or
// deletes becomes visible within [Options.StaleFor], which the caller has to
// choose: it is how long a logout or a revocation elsewhere may go unnoticed
// here. With one process, or with visitors who always reach the same one, it
// may be long. Where every process must see a revocation at once, do without
// this package, or use a store that is told of changes by its server.
//
// While the store behind cannot answer, what is in memory is served until
// StaleFor is over; changes fail.
//
// Nothing is ever lost by it: a change of a record that was stale is a
// conflict, as the store behind compares it with what is there; the record is
// then dropped here, so that the next Load reads the newest one. So a visitor
// who changes a session at two processes in turn pays a conflict and a second
// load each time, and gains nothing from the cache.
//
// Only records that exist are kept. Asking for one that does not exist always
// asks the store behind.
package cachestore
