package wire

import (
	"encoding"
	"math/big"
	"reflect"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// A form says how a Go type is written, beyond its kind.
type form uint8

const (
	plain    form = iota // by its kind
	isTime               // time.Time
	isBig                // big.Int
	isExt                // Ext
	isBytes              // a slice or array of bytes
	isStruct             // a struct without another form
)

var (
	timeType = reflect.TypeFor[time.Time]()
	bigType  = reflect.TypeFor[big.Int]()
	extType  = reflect.TypeFor[Ext]()
	byteType = reflect.TypeFor[byte]()

	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonMarshalType = reflect.TypeFor[jsonMarshaler]()
	jsonUnmarshType = reflect.TypeFor[jsonUnmarshaler]()
)

// The methods of package encoding/json, which is not needed for more.
type jsonMarshaler interface{ MarshalJSON() ([]byte, error) }
type jsonUnmarshaler interface{ UnmarshalJSON([]byte) error }

// has says by which receiver a type has an interface.
type has uint8

const (
	no        has = iota
	byValue       // also a value that cannot be addressed has it
	byAddress     // only its pointer has it
)

func (h has) on(v reflect.Value) bool {
	return h == byValue || h == byAddress && v.CanAddr()
}

func implements(t, iface reflect.Type) has {
	switch {
	case t.Implements(iface):
		return byValue
	case reflect.PointerTo(t).Implements(iface):
		return byAddress
	}
	return no
}

// pythonTypes are the types of package pyvalue, with the sequences among them.
// Only a PythonWriter treats them as such.
var pythonTypes = map[reflect.Type]Sequence{
	reflect.TypeFor[pyvalue.Tuple]():     Tuple,
	reflect.TypeFor[pyvalue.Set]():       Set,
	reflect.TypeFor[pyvalue.FrozenSet](): FrozenSet,
	reflect.TypeFor[pyvalue.Markup]():    NoSequence,
	reflect.TypeFor[pyvalue.ByteArray](): NoSequence,
	reflect.TypeFor[pyvalue.UUID]():      NoSequence,
	reflect.TypeFor[pyvalue.Decimal]():   NoSequence,
	reflect.TypeFor[pyvalue.Date]():      NoSequence,
	reflect.TypeFor[pyvalue.Time]():      NoSequence,
	reflect.TypeFor[pyvalue.DateTime]():  NoSequence,
	reflect.TypeFor[pyvalue.TimeDelta](): NoSequence,
	reflect.TypeFor[pyvalue.Zone]():      NoSequence,
}

// A typeInfo is what is worth knowing about a type only once.
type typeInfo struct {
	form          form
	python        bool // one of pythonTypes
	sequence      Sequence
	marshalText   has
	unmarshalText has
	marshalJSON   has // only in formats that are JSON
	unmarshalJSON has
	fields        *fields // of a struct
}

// types caches typeInfos by reflect.Type: of formats that are JSON, whose tags
// and methods differ, and of the others. Its size is bounded by the types of
// the program.
var types struct{ json, other sync.Map }

func infoOf(t reflect.Type, w Writer) *typeInfo {
	cache := &types.other
	if w.JSON() {
		cache = &types.json
	}
	if info, ok := cache.Load(t); ok {
		return info.(*typeInfo)
	}
	info, _ := cache.LoadOrStore(t, newInfo(t, w))
	return info.(*typeInfo)
}

func newInfo(t reflect.Type, w Writer) *typeInfo {
	switch t {
	case timeType:
		return &typeInfo{form: isTime}
	case bigType:
		return &typeInfo{form: isBig}
	case extType:
		return &typeInfo{form: isExt}
	}
	info := &typeInfo{}
	info.sequence, info.python = pythonTypes[t]
	if k := t.Kind(); k != reflect.Pointer && k != reflect.Interface {
		info.marshalText = implements(t, textMarshaler)
		info.unmarshalText = implements(t, textUnmarshaler)
		if w.JSON() {
			info.marshalJSON = implements(t, jsonMarshalType)
			info.unmarshalJSON = implements(t, jsonUnmarshType)
		}
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if e := t.Elem(); e == byteType || e.Kind() == reflect.Uint8 && implements(e, textMarshaler) == no {
			info.form = isBytes
		}
	case reflect.Struct:
		info.form = isStruct
		info.fields = fieldsOf(t, w.Tags())
	}
	return info
}
