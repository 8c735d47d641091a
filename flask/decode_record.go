package flask

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/store"
)

// cachelibHeader is the length of the expiry before the pickle in a file of
// cachelib's. See package cachelibstore.
const cachelibHeader = 4

// isCachelib reports whether data is a file as cachelib writes it.
func isCachelib(data []byte) bool {
	if len(data) < cachelibHeader+4 {
		return false
	}
	data = data[cachelibHeader:]
	if data[0] != 0x80 || data[1] < 2 || data[1] > 5 || data[len(data)-1] != '.' {
		return false
	}
	_, err := pickled.Split(nil, data)
	return err == nil
}

// isCount reports whether data is cachelib's file 2029240f6d1128be89ddc32729463129,
// which stands among the sessions.
func isCount(data []byte) bool {
	if len(data) <= cachelibHeader || len(data) > 64 {
		return false
	}
	v, err := pickle.Unmarshal(data[cachelibHeader:], pickle.Limits{})
	_, isNumber := v.(int64)
	return err == nil && isNumber
}

func inspectCachelib(data []byte) (*Inspection, error) {
	if len(data) <= cachelibHeader || !isMark(data[cachelibHeader:]) && !pickled.Match(data[cachelibHeader:]) {
		return nil, errUnknown
	}
	in, err := inspectRecord("cachelib file", data[cachelibHeader:], pickled)
	if err != nil {
		return nil, err
	}
	if sec := binary.NativeEndian.Uint32(data); sec != 0 {
		in.Expires = time.Unix(int64(sec), 0).UTC()
	}
	return in, nil
}

// What a file of package store/filestore begins with; see its header.go.
const (
	filestoreMagic  = "cloakrm"
	filestoreHeader = 44
)

func inspectFilestore(data []byte) (*Inspection, error) {
	if len(data) < filestoreHeader || data[len(filestoreMagic)] != 1 {
		return nil, fmt.Errorf("%w: a file of store/filestore, cut off or of another version", codec.ErrMalformed)
	}
	size, keyLen := int64(binary.BigEndian.Uint32(data[16:])), int64(binary.BigEndian.Uint16(data[20:]))
	body := data[filestoreHeader:]
	if int64(len(body)) != keyLen+size || crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(data[24:]) {
		return nil, fmt.Errorf("%w: a file of store/filestore that is damaged", codec.ErrMalformed)
	}
	key, record := string(body[:keyLen]), body[keyLen:]
	c := codec.Detect(record, formats[:]...)
	if c == nil && !isMark(record) {
		return nil, errSealedIn
	}
	in := inspectUser("file of store/filestore", key, record)
	if in == nil {
		var err error
		if in, err = inspectRecord("file of store/filestore", record, c); err != nil {
			return nil, err
		}
	}
	sec, nsec := int64(binary.BigEndian.Uint64(data[28:])), int64(binary.BigEndian.Uint32(data[36:]))
	if sec != 0 || nsec != 0 {
		in.Expires = time.Unix(sec, nsec).UTC()
	}
	return in, nil
}

// inspectRecord shows a record in c or, whatever c is, a mark.
func inspectRecord(kind string, data []byte, c codec.Codec) (*Inspection, error) {
	if isMark(data) {
		return inspectMark(kind, data), nil
	}
	in := &Inspection{Kind: kind}
	return in, in.fill(data, c)
}

func isMark(data []byte) bool {
	_, ok := store.ParseMark(data)
	return ok
}

// markTime is how the times of marks and users' records are shown.
const markTime = "2006-01-02T15:04:05.000Z07:00"

// inspectMark shows a mark, but not its payload: where the session goes on is
// nobody's business.
func inspectMark(kind string, data []byte) *Inspection {
	m, _ := store.ParseMark(data)
	in := &Inspection{Kind: kind, Format: "mark", Size: len(data), Mark: m.Kind, Ended: m.At.UTC()}
	name := map[store.MarkKind]string{store.MarkEnded: "$ended", store.MarkMoved: "$moved", store.MarkRenewed: "$renewed"}[m.Kind]
	in.JSON = indent(fmt.Appendf(nil, `{"%s":"%s"}`, cmp.Or(name, "$mark"), in.Ended.Format(markTime)))
	return in
}
