package bench

import (
	"crypto/rand"
	"encoding/gob"
	"fmt"
	"strings"
)

// What every session holds: five small values, 90 bytes as msgpack, and as
// much more as its size says.
const (
	userName  = "ada.lovelace@example.org"
	account   = 4711
	visits    = 1
	admin     = true
	theme     = "dark"
	sessionID = "session" // the name of the cookie
)

// An Item is one line of a shopping cart: about 90 bytes as msgpack or gob.
type Item struct {
	SKU      string `msgpack:"sku"`
	Name     string `msgpack:"name"`
	Quantity int    `msgpack:"quantity"`
	Price    int    `msgpack:"price"`
}

func init() {
	gob.Register([]Item{}) // as all peers ask for
}

// randomKey returns a key for cookies.
func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// A size is how much a session holds beside its five values.
type size struct {
	name  string
	items int // in one list
	keys  int // of their own, 90 bytes each
}

// The name of a size is about the bytes that the session has as msgpack.
var (
	small     = size{name: "100B"}
	medium    = size{name: "1KB", items: 10}
	large     = size{name: "10KB", items: 112}
	huge      = size{name: "100KB", items: 1130}
	thousand  = size{name: "100KB_in_1000_keys", keys: 1000}
	sizes     = []size{small, medium, large, huge, thousand}
	itemSizes = []size{medium, large, huge}
)

// list returns the items of a session.
func (s size) list() []Item {
	items := make([]Item, s.items)
	for i := range items {
		items[i] = Item{fmt.Sprintf("A-%05d", i), strings.Repeat("waistcoat ", 5), i%5 + 1, 1990 + i}
	}
	return items
}

// quantity is the sum that a page makes of the items.
func (s size) quantity() int { return quantity(s.list()) }

func quantity(items []Item) int {
	sum := 0
	for _, item := range items {
		sum += item.Quantity
	}
	return sum
}

// extra returns the names and values of the session's further keys.
func (s size) extra() map[string]string {
	values := make(map[string]string, s.keys)
	for i := range s.keys {
		values[fmt.Sprintf("key%05d", i)] = strings.Repeat("waistcoat ", 9)
	}
	return values
}
