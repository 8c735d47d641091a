// Package itsdangerous signs values that pass through untrusted hands, and
// reads what Python's library of the same name wrote: the same bytes, in both
// directions. Flask signs its session cookies with it, and many applications
// their links in mails. The package needs nothing but the standard library.
//
// There are four things to choose from, each made by a function that takes the
// secrets and one [Options] struct whose zero value means Python's defaults:
//
//	NewSigner                  value.signature
//	NewTimestampSigner         value.timestamp.signature
//	NewURLSafeSerializer       any value, as base64url, deflated if that is shorter
//	NewURLSafeTimedSerializer  the same with a timestamp, as in Flask's cookie
//
// [NewSerializer] and [NewTimedSerializer] write the payload as plain JSON
// text. What these functions return never changes and may be used by any
// number of goroutines.
//
// Signing is not encrypting: whoever holds a signed value can read it.
//
// # Secrets and salts
//
// [Secret] takes one secret, or several with the newest last: the newest
// signs, and all of them verify. A secret should be random bytes, at least 16
// of them; like Python, this package derives a key from it but does not
// strengthen a short one. It refuses only an empty secret. The salt is no
// secret. It keeps signatures made for one purpose from being accepted for
// another, so give each purpose its own.
//
// # Errors
//
// What is wrong with a signed text is told by errors.Is; the errors nest as
// Python's exceptions do:
//
//	ErrBadSignature        not signed by one of the secrets
//	  ErrBadTimeSignature  … or the timestamp is missing or malformed
//	    ErrSignatureExpired  signed well, but too long ago, or in the future
//	ErrBadPayload          signed well, but what is inside cannot be read
//	  ErrTooLarge            … because it inflates beyond the limit
//
// So ask for ErrSignatureExpired before ErrBadSignature. The [Error] behind
// them carries the date of signing and the payload, and says whether they can
// be trusted.
//
// # Where it differs from Python
//
// Stricter, because a second form of a signed text helps nobody but those who
// want to get around a list of used or revoked tokens:
//
//   - A signature must be spelled as it is written. Python also accepts it with
//     padding, with its unused last bits set, with "+" and "/" for "-" and "_",
//     and with characters of other alphabets strewn in by fours. The payload
//     and the timestamp are themselves signed, so there all of that is accepted.
//
// Stricter, for safety's sake:
//
//   - Empty secrets and empty lists of secrets are refused.
//   - A payload that inflates to more than [Options.MaxInflated] bytes is
//     refused. Python has no limit.
//   - A separator that consists of letters, digits, "-", "_" and "=" alone is
//     refused. Python lets some of them through.
//   - A timestamp after the year 9999 is malformed, also where Python only
//     fails when it is asked for the date.
//   - JSON as encoding/json reads it: no NaN or Infinity, no number that the
//     destination cannot hold.
//
// Not the same bytes: compress/flate deflates otherwise than zlib does, a few
// bytes longer; both read both. The JSON of Go values has its keys in the
// order that encoding/json gives them, and floats in its spelling.
package itsdangerous
