// Package taggedjson reads and writes the JSON inside Flask's session cookie,
// byte for byte as Flask's TaggedJSONSerializer does: compact, all but ASCII
// escaped, the keys of every dictionary sorted, and values that JSON lacks
// wrapped into a dictionary whose only key is a tag.
//
//	Python      JSON                                   Go, where any is asked for
//	None        null                                   nil
//	bool        true                                   bool
//	int         5                                      int64, else uint64, else *big.Int
//	float       5.0, 1e+16, NaN, Infinity              float64
//	str         "text"                                 string
//	list        [1,2]                                  []any
//	dict        {"a":1}                                map[string]any
//	tuple       {" t":[1,2]}                           pyvalue.Tuple
//	bytes       {" b":"YWJj"}                          []byte
//	Markup      {" m":"<b>"}                           pyvalue.Markup
//	UUID        {" u":"00112233445566778899aabbccddeeff"}  pyvalue.UUID
//	datetime    {" d":"Thu, 29 Feb 2024 12:34:56 GMT"} time.Time, in UTC and whole seconds
//	date        "Thu, 29 Feb 2024 00:00:00 GMT"        string
//	Decimal     "1.10"                                 string
//	dict whose only key is a tag
//	            {" di":{" t__":1}}                     map[string]any
//
// The last form also occurs around a whole record, if the session has one
// value whose name is a tag.
//
// # Go types
//
// Values are written and read by the rules of package codec's JSON: structs
// are named by the tag json, text and JSON methods are used, nil slices and
// maps are null, and nothing is cut off to make it fit. Beyond these,
//
//   - a Markup is also read as any string type, a UUID as that, as 16 bytes or by
//     UnmarshalText, a tuple as any slice or array;
//   - a time is also read from a plain string, which is how Flask writes a
//     date: an HTTP date, or ISO 8601;
//   - a string that is not UTF-8 is written as bytes, and bytes that are not
//     UTF-8 are also read as a string; such a key is written as a data URL, as in
//     package codec's JSON;
//   - a pyvalue.DateTime without zone counts as UTC; sets, timedeltas, times of
//     day and byte arrays are refused, as they are by Flask;
//   - the zero time is null. Years below 100 are refused, since Flask reads
//     them as years of the last or of this century;
//   - keys that are numbers or booleans become strings. They are sorted before
//     that, as numbers, and do not mix with strings: Flask fails there.
//
// # Surrogates
//
// A Python str may hold half of a surrogate pair, which a Go string cannot.
// U+FFFD is read in its place. A value that nobody changes keeps its bytes, and
// so keeps the half; a name with such a half cannot be asked for.
//
// # Where it is stricter than Flask
//
// Some records that Flask never writes, but would read, are refused here: they
// are hand-made at best. A record must be a dictionary (null, [] and "" stand
// for an empty one, as in Flask), while Flask also takes lists of pairs. What
// stands behind a tag must be of the kind that Flask writes there: no tuple of
// the letters of a string, no Markup of a number, no escaped dictionary with
// two keys.
//
// A bad tag inside a value makes Flask refuse the whole session. Here it is
// only this value that cannot be read.
package taggedjson
