package taggedjson

import "github.com/cloakroom/cloakroom/internal/pyvalue"

// What a map takes in memory, by the worst case: a map of one entry has room
// for eight.
const (
	mapHeader = 80
	mapEntry  = 16
	mapGroup  = 8 * (16 + 16)
)

// any decodes the next value into the Go type that is natural for it.
func (d *decoder) any() (any, error) {
	var t token
	if err := d.next(&t); err != nil {
		return nil, err
	}
	return d.natural(&t)
}

// natural decodes the value that begins with t.
func (d *decoder) natural(t *token) (any, error) {
	switch t.kind {
	case aBool:
		return t.bool, nil
	case anInt:
		return t.int, d.charge(8)
	case aBig:
		b, err := d.bigOf(t)
		if err != nil {
			return nil, err
		}
		return b, nil
	case aFloat:
		return t.float, d.charge(8)
	case aString:
		if err := d.charge(16 + len(t.text)); err != nil {
			return nil, err
		}
		if t.tag == tagMarkup {
			return pyvalue.Markup(t.text), nil
		}
		return string(t.text), nil
	case someBytes:
		return t.text, d.charge(24)
	case aUUID:
		return t.uuid, d.charge(16)
	case aTime:
		return t.time, d.charge(24)
	case aList:
		items, err := d.anyList(t)
		if err != nil {
			return nil, err
		}
		if t.tag == tagTuple {
			return pyvalue.Tuple(items), nil
		}
		return items, nil
	case aDict:
		return d.anyMap(t)
	}
	return nil, nil
}

func (d *decoder) anyList(t *token) ([]any, error) {
	if err := d.charge(24); err != nil {
		return nil, err
	}
	list := []any{}
	err := d.list(t, func() error {
		if len(list) == cap(list) {
			if err := d.charge(16 * (len(list) + 1)); err != nil {
				return err
			}
		}
		v, err := d.any()
		list = append(list, v)
		return err
	})
	return list, err
}

func (d *decoder) anyMap(t *token) (any, error) {
	if err := d.charge(mapHeader); err != nil {
		return nil, err
	}
	m := make(map[string]any)
	err := d.dict(t, func(key []byte) error {
		n := 4*mapEntry + 16 + len(key)
		if len(m) == 0 {
			n += mapGroup
		}
		if err := d.charge(n); err != nil {
			return err
		}
		v, err := d.any()
		m[string(key)] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}
