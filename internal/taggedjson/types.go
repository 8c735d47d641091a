package taggedjson

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// A form says how a Go type is written, beyond its kind.
type form uint8

const (
	plain form = iota
	isTime
	isBig
	isExt
	isMarkup
	isUUID
	isTuple
	isDate
	isDateTime
	isRefused // by Flask as well
	isBytes   // another slice or array of bytes
	isStruct  // another struct
)

var forms = map[reflect.Type]form{
	reflect.TypeFor[time.Time]():      isTime,
	reflect.TypeFor[big.Int]():        isBig,
	reflect.TypeFor[wire.Ext]():       isExt,
	reflect.TypeFor[pyvalue.Markup](): isMarkup,
	reflect.TypeFor[pyvalue.UUID]():   isUUID,
	reflect.TypeFor[pyvalue.Tuple]():  isTuple,

	reflect.TypeFor[pyvalue.Date]():      isDate,
	reflect.TypeFor[pyvalue.DateTime]():  isDateTime,
	reflect.TypeFor[pyvalue.Time]():      isRefused,
	reflect.TypeFor[pyvalue.TimeDelta](): isRefused,
	reflect.TypeFor[pyvalue.Zone]():      isRefused,
	reflect.TypeFor[pyvalue.Set]():       isRefused,
	reflect.TypeFor[pyvalue.FrozenSet](): isRefused,
	reflect.TypeFor[pyvalue.ByteArray](): isRefused,
}

var (
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

// has says by which receiver a type has a method.
type has uint8

const (
	no        has = iota
	byValue       // also a value that cannot be addressed has it
	byAddress     // only its pointer has it
)

func (h has) on(v reflect.Value) bool { return h == byValue || h == byAddress && v.CanAddr() }

func implements(t, iface reflect.Type) has {
	switch {
	case t.Implements(iface):
		return byValue
	case reflect.PointerTo(t).Implements(iface):
		return byAddress
	}
	return no
}

// A typeInfo is what is worth knowing about a type only once.
type typeInfo struct {
	form          form
	marshalText   has
	unmarshalText has
	marshalJSON   has
	unmarshalJSON has
	fields        []field // of a struct, sorted by name
}

// types caches typeInfos by reflect.Type. Its size is bounded by the types of
// the program.
var types sync.Map

func infoOf(t reflect.Type) *typeInfo {
	if info, ok := types.Load(t); ok {
		return info.(*typeInfo)
	}
	info, _ := types.LoadOrStore(t, newInfo(t))
	return info.(*typeInfo)
}

func newInfo(t reflect.Type) *typeInfo {
	info := &typeInfo{form: forms[t]}
	if t.Kind() != reflect.Interface {
		info.marshalText = implements(t, textMarshaler)
	}
	if t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer {
		info.unmarshalText = implements(t, textUnmarshaler)
	}
	if info.form != plain {
		return info
	}
	if t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer {
		info.marshalJSON = implements(t, jsonMarshaler)
		info.unmarshalJSON = implements(t, jsonUnmarshaler)
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if e := t.Elem(); e.Kind() == reflect.Uint8 && implements(e, textMarshaler) == no {
			info.form = isBytes
		}
	case reflect.Struct:
		info.form = isStruct
		info.fields = fieldsOf(t)
	}
	return info
}
