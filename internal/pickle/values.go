package pickle

import (
	"math/big"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// A Value is one of the Go values in the table of the package comment.
type Value = any

// A List is a Python list. It is a pointer type like the other containers,
// because Python keeps apart one list in two places and two equal lists: what
// was shared when a pickle was read is shared when it is written.
type List struct{ Items []Value }

// A Tuple is a Python tuple. It must not be changed once it is a key.
type Tuple struct{ Items []Value }

// The values that Go lacks, for which the other formats have the same types.
// As a key, a Markup is equal to the same plain string.
type (
	Markup    = pyvalue.Markup
	ByteArray = pyvalue.ByteArray
	UUID      = pyvalue.UUID
	Decimal   = pyvalue.Decimal
	Date      = pyvalue.Date
	Time      = pyvalue.Time
	DateTime  = pyvalue.DateTime
	TimeDelta = pyvalue.TimeDelta
	Zone      = pyvalue.Zone // the zero Zone stands for the lack of one and is no Value
)

// integer returns n as an int64 where it fits, so that every integer has one
// form only.
func integer(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}
