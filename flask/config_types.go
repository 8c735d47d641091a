package flask

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

// Type says where sessions are kept: SESSION_TYPE.
type Type string

const (
	// TypeCookie, no SESSION_TYPE at all, is Flask's own session: the signed
	// cookie holds it, and its reader can read it.
	TypeCookie Type = ""

	// TypeNull is Flask's null session: always empty, and an error to change.
	TypeNull Type = "null"

	TypeRedis      Type = "redis"      // SESSION_REDIS
	TypeMemcached  Type = "memcached"  // SESSION_MEMCACHED
	TypeFileSystem Type = "filesystem" // SESSION_FILE_DIR
	TypeCacheLib   Type = "cachelib"   // SESSION_CACHELIB
	TypeMongoDB    Type = "mongodb"    // SESSION_MONGODB
	TypeSQLAlchemy Type = "sqlalchemy" // SESSION_SQLALCHEMY
	TypePostgreSQL Type = "postgresql" // SESSION_POSTGRESQL
	TypeDynamoDB   Type = "dynamodb"   // SESSION_DYNAMODB
)

var typeNames = []string{
	string(TypeNull), string(TypeRedis), string(TypeMemcached), string(TypeFileSystem), string(TypeCacheLib),
	string(TypeMongoDB), string(TypeSQLAlchemy), string(TypePostgreSQL), string(TypeDynamoDB),
}

// Format says how records are written: SESSION_SERIALIZATION_FORMAT.
type Format string

const (
	FormatMsgPack Format = "msgpack"
	FormatJSON    Format = "json"

	// FormatPickle is what Flask-Session before 0.7 writes, and all that it
	// reads. Flask-Session from 0.7 on reads it but has no such setting.
	FormatPickle Format = "pickle"
)

var formatNames = []string{string(FormatMsgPack), string(FormatJSON), string(FormatPickle)}

const hidden = "[hidden]"

// Secret is a secret key. It does not print itself; converted to []byte it is
// like any other.
type Secret []byte

// Format hides the secret from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.shown()) }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText hides the secret from JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

func (s Secret) shown() string {
	if len(s) == 0 {
		return ""
	}
	return hidden
}

// ClientURL is the address of a store, for store.Openers, and may hold a
// password. It prints without; converted to string it is whole.
type ClientURL string

// String returns the URL without user, password and query, any of which may be
// secret.
func (u ClientURL) String() string {
	if u == "" {
		return ""
	}
	return cmp.Or(storeurl.Shown(string(u)), hidden)
}

// Format writes what String returns, for every verb.
func (u ClientURL) Format(f fmt.State, _ rune) { io.WriteString(f, u.String()) }

// LogValue returns what String returns.
func (u ClientURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText returns what String returns.
func (u ClientURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
