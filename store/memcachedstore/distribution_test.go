package memcachedstore

import (
	"fmt"
	"strings"
	"testing"
)

// Where pylibmc 1.6.3 with ketama_weighted put the keys session:0, session:1,
// …: it leaves out the usual port, and gives sockets the port 0.
func TestKetamaNames(t *testing.T) {
	for _, c := range []struct {
		name, servers, want string
	}{
		{"usual port", "127.0.0.2 127.0.0.3:11211 127.0.0.4", "221002211220102102012211222201110212002221101212011022000112"},
		{"sockets", "/tmp/h2/sk/a.sock /tmp/h2/sk/b.sock /tmp/h2/sk/c.sock", "201200000000210201012110001201012212111120202001220212112101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := New(strings.Fields(c.servers), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i := range len(c.want) {
				got += fmt.Sprint(s.locate(fmt.Sprintf("session:%d", i)))
			}
			if got != c.want {
				t.Errorf("the keys are on %s, want %s", got, c.want)
			}
		})
	}
}

func TestMurmur3(t *testing.T) {
	// Values of pymemcache's own tests of the algorithm's reference.
	for s, want := range map[string]uint32{"": 0, "a": 1009084850, "ab": 2613040991, "abc": 3017643002, "abcd": 1139631978} {
		if got := murmur3(s); got != want {
			t.Errorf("murmur3(%q) = %d, want %d", s, got, want)
		}
	}
}
