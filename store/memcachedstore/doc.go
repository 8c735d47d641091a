// Package memcachedstore keeps sessions in Memcached, version 1.6 or newer, on
// one server or several.
//
//	sessions, err := memcachedstore.New([]string{"10.0.0.5:11211", "10.0.0.6:11211"}, memcachedstore.Options{})
//
// # What Memcached does not promise
//
// It is a cache. When its memory is full it evicts the records that were not
// used for the longest time, whatever their expiry, and a restart forgets all
// of them. The visitors whose sessions those were are logged out, as if the
// sessions had expired; nothing else happens, and nothing tells the program.
// Give it enough memory (-m), watch "evictions" in its statistics, and choose
// another store where a session must not be lost. With -M it evicts nothing
// and refuses to save instead, which is an error here; even then it has
// dropped the record that the save should have replaced.
//
// A server that cannot be reached is an error for the sessions that live
// there, never a session that does not exist. No other server takes over: the
// sessions would be empty there, and once the server is back, the old ones
// would return from the dead. When it is back the store uses it again by
// itself. A change of the list of servers moves part of the keys to others;
// those sessions are lost.
//
// # Expiry
//
// Memcached counts whole seconds, by a clock that may lag by two. So a record
// lives up to eight seconds longer than asked, never shorter, and the expiry
// that Load reports is up to five seconds later than the one that was saved.
// The server counts the time itself, so that its clock need not be right. It
// cannot store expiries beyond January 2038. A record with such an expiry does
// not expire in the server; its expiry is added to its value, with a mark in
// its flags, and checked when it is read.
//
// # Records
//
// The value of an item is the data of the record, byte for byte, and its flags
// are [Options.Flags], so that other programs can share the records. A record
// that another program has written is taken as it is, whatever its flags.
//
// Save replaces an item only if its CAS number is that of prev, or if its value
// is still prev's. The value counts because Memcached gives an item a new
// number when its expiry is moved by rewriting it, and there is no other way
// to move it which cannot shorten the life that somebody else gave it in the
// same moment; and because a Flask application rewrites what it has not
// changed. So a record that was deleted and created again with the same bytes
// counts as the same one.
//
// # Why not a client from elsewhere
//
// gomemcache, the usual one, takes no context, so that a server that hangs
// would hold a request until a fixed timeout; it does not speak the meta
// commands, without which neither can an item be deleted only if it is
// unchanged nor its expiry be read; and it cannot tell beforehand that an item
// is too large, when the server's answer comes after it has dropped the old
// one. The part of the protocol that is needed, the commands mg, ms, md and
// mn, is small.
package memcachedstore
