// Package mongostore keeps sessions in MongoDB, or in a server that speaks its
// protocol, with the official driver.
//
//	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://localhost"))
//	…
//	s, err := mongostore.New(client.Database("app").Collection("sessions"), mongostore.Options{})
//	…
//	err = s.EnsureIndexes(ctx) // once, at deployment or at start
//
// or [Open] with a URL.
//
// # Documents
//
// A native document is {_id: key, val: data, expiration: date, version: number}.
// With Options.Flask it is Flask-Session's, {_id: …, id: key, val: data,
// expiration: date}, which Python processes read and write at the same time.
// They do not compare before they write, so that they may overwrite what
// another process has just written; this package never does.
// A record that never expires has the last moment of the year 9999. The
// collection must not have a collation.
//
// # What is atomic
//
// Every change is one command on one document, with the old version (in
// Flask's layout, the old bytes) in its filter. There are no transactions, so
// a standalone server does as well as a replica set.
//
// # Expiry
//
// Whether a record has expired is decided with this process's clock, in the
// filter of each change and after each read. The server removes expired
// documents late, if at all, and that is about space alone. Its own clock
// ($$NOW) would not help: the expiry itself was reckoned with the clock of a
// process like this one, and not every server that speaks the protocol has it.
// So the clocks of all processes should agree, as NTP makes them: one that is
// ahead by some seconds ends idle sessions by as much too early. That can lose
// no write, since each change also compares versions.
// An expiry is rounded up to milliseconds.
//
// # What an answer means
//
// Writes wait for a majority of the replica set, and reads come from the
// primary, so that what was acknowledged is seen by everybody and survives a
// failover. A primary that was cut off from its set, and does not know it yet,
// may still answer reads of processes on its side for some seconds; whoever
// cannot bear that sets readConcernLevel=linearizable in the URL (or in the
// collection given to New), and pays with a round trip among the members for
// each read.
package mongostore
