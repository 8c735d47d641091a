package flask

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
)

// sessionKey is a session's store key without its prefix.
var sessionKey = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// inspectUser shows a user's record, or returns nil if data is none. It is told by
// its key, or by its form if the key is not known: there is a user, and three
// elements for each session, its key, that of the one before, and the time. The keys
// are not shown, since they may be IDs.
func inspectUser(kind, key string, data []byte) *Inspection {
	const pair = 0x82 // a dictionary of two, in MessagePack
	if key != "" && !cloakroom.IsUserKey(key) || len(data) == 0 || data[0] != pair {
		return nil
	}
	fields, err := codec.MsgPack.Split(nil, data)
	if err != nil || len(fields) != 2 || string(fields[0].Name) != "user" || string(fields[1].Name) != "sessions" {
		return nil
	}
	var user string
	var entries []any
	if codec.MsgPack.Unmarshal(fields[0].Raw, &user) != nil || codec.MsgPack.Unmarshal(fields[1].Raw, &entries) != nil || len(entries)%3 != 0 {
		return nil
	}
	prefix := key[:max(0, strings.LastIndex(key, "user:"))]
	text := appendText([]byte(`{"$user":`), user)
	text = append(text, `,"$sessions":[`...)
	comma := ""
	for e := range slices.Chunk(entries, 3) {
		name, isText := e[0].(string)
		ms, isTime := e[2].(int64)
		if !isText || !isTime || !sessionKey.MatchString(name) {
			return nil
		}
		text = append(append(text, comma...), '{')
		comma = ","
		if key != "" {
			text = fmt.Appendf(text, `"handle":"%s",`, cloakroom.HandleOf(prefix+name))
		}
		text = fmt.Appendf(text, `"listed":"%s"}`, time.UnixMilli(ms).UTC().Format(markTime))
	}
	return &Inspection{Kind: kind, Format: "user", Size: len(data), JSON: indent(append(text, "]}"...))}
}
