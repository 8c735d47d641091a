package flask

import (
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// Python's types that Go lacks. A handler sets a session's value to one of
// them, and finds one where Python has set it: in a variable of type any, or in
// one of the type itself. Where the format of the session lacks the type, its
// text stands there instead, which can be read into a variable of the type:
//
//	                 Flask's cookie   pickle     MessagePack, JSON
//	Tuple            tuple            tuple      list
//	Set, FrozenSet   refused          the same   list
//	Markup           Markup           Markup     str
//	UUID             UUID             UUID       str
//	Decimal          str              Decimal    str
//	ByteArray        refused          bytearray  bytes; in JSON base64
//	Date             str              date       str
//	TimeOfDay        refused          time       str
//	DateTime, naive  datetime in UTC  datetime   str
//	TimeDelta        refused          timedelta  str
//
// Python's Flask refuses the same. An aware datetime is a [time.Time].
type (
	// Tuple is a tuple. Flask's flashed messages are such.
	Tuple = pyvalue.Tuple
	// Set is a set, without duplicates. The order of its items means nothing.
	Set = pyvalue.Set
	// FrozenSet is a frozenset.
	FrozenSet = pyvalue.FrozenSet
	// Markup is markupsafe's text that is safe in HTML.
	Markup = pyvalue.Markup
	// ByteArray is a bytearray.
	ByteArray = pyvalue.ByteArray
	// UUID is a uuid.UUID. See ParseUUID.
	UUID = pyvalue.UUID
	// Decimal is a decimal.Decimal, as its text.
	Decimal = pyvalue.Decimal
	// Date is a datetime.date.
	Date = pyvalue.Date
	// TimeOfDay is a datetime.time.
	TimeOfDay = pyvalue.Time
	// DateTime is a datetime.datetime, above all one without a zone. See Naive.
	DateTime = pyvalue.DateTime
	// TimeDelta is a datetime.timedelta. See Lasting.
	TimeDelta = pyvalue.TimeDelta
	// Zone is a datetime.timezone: a fixed offset from UTC that may have a
	// name. The zero Zone is the lack of one.
	Zone = pyvalue.Zone
)

// ParseUUID reads what Python's uuid.UUID reads: 32 hexadecimal digits in
// either case, with hyphens anywhere, in braces, after "urn:uuid:".
func ParseUUID(s string) (UUID, error) { return pyvalue.ParseUUID(s) }

// Naive returns the datetime without zone that shows what a clock in t's zone
// shows at t, cut off to microseconds. For Python's datetime.utcnow(), give it
// time.Now().UTC(). Its method When takes it to be in UTC again.
func Naive(t time.Time) DateTime { return pyvalue.Clock(t) }

// Lasting returns the timedelta of d, rounded down to microseconds.
func Lasting(d time.Duration) TimeDelta { return pyvalue.Lasting(d) }
