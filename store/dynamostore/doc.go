// Package dynamostore keeps sessions in Amazon DynamoDB.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	…
//	s, err := dynamostore.New(dynamodb.NewFromConfig(cfg), dynamostore.Options{Table: "Sessions"})
//	…
//	err = s.EnsureTable(ctx) // once, at deployment or at start
//
// or [Open] with a URL, which also calls EnsureTable unless told not to.
//
// # Items
//
// A native item is {id: key, val: data (binary), expiration: seconds since 1970
// (number), version: number}. With Options.Flask it is that of Flask-Session's
// DynamoDB backend, {id, val, expiration}, which Python processes read and
// write at the same time. They do not compare before they write, so that they
// may overwrite what another process has just written; this package never does.
// A record that never expires has no expiration.
//
// # What is atomic
//
// Every change is one request for one item, with the old version (in Flask's
// layout, the old bytes) in its condition. A save whose answer got lost is not
// sent again by the SDK, as others may be: the second one would find the first
// one's item, and take its own work for somebody else's. The caller gets the
// error instead.
//
// # Expiry
//
// DynamoDB removes expired items within days, and only where that is enabled
// ([Store.EnsureTable]); so whether a record has expired is decided with this
// process's clock, in the condition of each change and after each read:
// DynamoDB has no clock that a condition could ask. The clocks of all processes
// should therefore agree, as NTP makes them: one that is ahead by some seconds
// ends idle sessions by as much too early. That can lose no write, since each
// change also compares versions. An expiry is rounded up to whole seconds, as
// the removal asks for.
//
// # What an answer means
//
// Reads are consistent ones: what was acknowledged is seen by everybody who
// uses the table in the same region. In a global table other regions see it
// about a second later, a session that was ended included, unless the table
// has multi-Region strong consistency; and two regions that change one session
// at the same time can lose one of the changes. Bind each visitor to one
// region there.
package dynamostore
