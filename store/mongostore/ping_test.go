package mongostore

import (
	endian "encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/cloakroom/cloakroom/store"
)

// denying stands in front of a server and answers some commands as MongoDB does
// a user who may not run them: FerretDB has no such users.
func denying(t *testing.T, server string, denied map[string]bool) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				defer server.Close()
				for err == nil {
					var m []byte
					if m, err = message(client); err != nil {
						return
					}
					if denied[command(m)] {
						m, err = denial(m)
					} else if _, err = server.Write(m); err == nil {
						m, err = message(server)
					}
					if err == nil {
						_, err = client.Write(m)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// message reads a message of MongoDB's protocol. It begins with its length, its
// number, the number of the one that it answers, and its kind.
func message(r io.Reader) ([]byte, error) {
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := endian.LittleEndian.Uint32(head)
	if n < 16 || n > 48<<20 {
		return nil, errors.New("no message")
	}
	m := append(head, make([]byte, n-16)...)
	_, err := io.ReadFull(r, m[16:])
	return m, err
}

const opMsg = 2013

// command is the name of the command in an OP_MSG: of the first element of the
// document behind four bytes of flags and the kind of the section.
func command(m []byte) string {
	if endian.LittleEndian.Uint32(m[12:]) != opMsg || len(m) < 26 {
		return ""
	}
	name, _, _ := strings.Cut(string(m[26:]), "\x00")
	return name
}

func denial(m []byte) ([]byte, error) {
	doc, err := bson.Marshal(bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: "not authorized on test to execute command"},
		{Key: "code", Value: int32(codeUnauthorized)}, {Key: "codeName", Value: "Unauthorized"}})
	answer := endian.LittleEndian.AppendUint32(nil, uint32(16+5+len(doc)))
	answer = endian.LittleEndian.AppendUint32(answer, 1)
	answer = append(answer, m[4:8]...)
	answer = endian.LittleEndian.AppendUint32(answer, opMsg)
	return append(append(answer, 0, 0, 0, 0, 0), doc...), err
}

// Whatever command a user may not run, Ping says so.
func TestPingOfAUserWhoLacksARight(t *testing.T) {
	for _, layout := range layouts {
		for _, name := range []string{"none", "find", "update", "delete"} {
			t.Run(layout+"/"+name, func(t *testing.T) {
				owner := open(t, fresh(server(t), layout))
				c := client(t, denying(t, server(t), map[string]bool{name: true}))
				s, err := New(c.Database(owner.coll.Database().Name()).Collection(owner.coll.Name()), Options{Flask: layout == "flask"})
				if err != nil {
					t.Fatal(err)
				}
				err = s.Ping(t.Context())
				if name == "none" && err != nil {
					t.Errorf("Ping = %v, want nil", err)
				}
				if name != "none" && (err == nil || !strings.HasPrefix(err.Error(), "mongostore: ping: ") || store.Advice(err) != advice[codeUnauthorized]) {
					t.Errorf("Ping = %v (%s), want an error with advice", err, store.Advice(err))
				}
				n := 0
				for _, err := range owner.List(t.Context(), "") {
					if n++; err != nil {
						t.Fatal(err)
					}
				}
				if name != "delete" && n != 0 {
					t.Errorf("%d records are left, want 0", n)
				}
			})
		}
	}
}
