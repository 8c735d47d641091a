package filestore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A record's file is a header, the key, and the data. Numbers are big-endian.
//
//	 0  7  magic "cloakrm"
//	 7  1  version, 1
//	 8  8  token, never zero
//	16  4  length of the data
//	20  2  length of the key
//	22  2  zero
//	24  4  CRC-32C of key and data
//	28  8  expiry in seconds since 1970  ┐
//	36  4  and nanoseconds               │ Touch overwrites these in place
//	40  4  CRC-32C of bytes 0 to 39      ┘
//	44     key, data
//
// An expiry of all zeros means never. The header has a checksum of its own
// so that Touch need not read the data, and so that a reader, who takes no
// lock, notices a touch that it saw half of.
const (
	magic      = "cloakrm"
	version    = 1
	headerSize = 44
	expiryAt   = 28
	headSumAt  = 40
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the decoded header of a record's file.
type header struct {
	token   uint64
	keyLen  int
	dataLen int
	sum     uint32
	expires time.Time
}

// size is that of the whole file.
func (h *header) size() int { return headerSize + h.keyLen + h.dataLen }

// live reports whether the record has not expired at the time now.
func (h *header) live(now time.Time) bool {
	return h.expires.IsZero() || now.Before(h.expires)
}

// record is the record of which h is the header.
func (h *header) record(data []byte) store.Record {
	return store.Record{Data: data, Expires: h.expires, Token: h.token}
}

// appendHead appends the header and the key of a record to dst.
func appendHead(dst []byte, key string, rec store.Record) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint64(dst, rec.Token)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(rec.Data)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, 0, 0)
	sumAt := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, make([]byte, headerSize-expiryAt)...)
	dst = append(dst, key...)
	sum := crc32.Update(crc32.Checksum(dst[start+headerSize:], castagnoli), castagnoli, rec.Data)
	binary.BigEndian.PutUint32(dst[sumAt:], sum)
	putExpiry(dst[start:], rec.Expires)
	return dst
}

// putExpiry sets the expiry in an encoded header, and with it the checksum.
func putExpiry(head []byte, expires time.Time) {
	var sec, nsec = uint64(0), uint32(0)
	if !expires.IsZero() {
		sec, nsec = uint64(expires.Unix()), uint32(expires.Nanosecond())
	}
	binary.BigEndian.PutUint64(head[expiryAt:], sec)
	binary.BigEndian.PutUint32(head[expiryAt+8:], nsec)
	binary.BigEndian.PutUint32(head[headSumAt:], crc32.Checksum(head[:headSumAt], castagnoli))
}

// asStored is t as it will be read back: without a monotonic clock or zone.
func asStored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), int64(t.Nanosecond())).UTC()
}

// decodeHeader reads the header at the beginning of a file. Its error matches
// ErrDamaged, or store.ErrUnsupported for a version of the future.
func decodeHeader(b []byte) (h header, err error) {
	if len(b) < headerSize {
		return h, damaged("shorter than a header")
	}
	if string(b[:len(magic)]) != magic {
		return h, damaged("not a record of this store")
	}
	if v := b[len(magic)]; v != version {
		// Another version of the program, in the middle of a rollout perhaps,
		// can read it, so it must stay where it is.
		return h, fmt.Errorf("%w: a record in format %d, known is %d", store.ErrUnsupported, v, version)
	}
	if crc32.Checksum(b[:headSumAt], castagnoli) != binary.BigEndian.Uint32(b[headSumAt:]) {
		return h, damaged("the header's checksum does not match")
	}
	dataLen, zero := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint16(b[22:])
	h = header{
		token:   binary.BigEndian.Uint64(b[8:]),
		dataLen: int(min(dataLen, MaxSize)),
		keyLen:  int(binary.BigEndian.Uint16(b[20:])),
		sum:     binary.BigEndian.Uint32(b[24:]),
	}
	sec, nsec := binary.BigEndian.Uint64(b[expiryAt:]), binary.BigEndian.Uint32(b[expiryAt+8:])
	if sec != 0 || nsec != 0 {
		h.expires = time.Unix(int64(sec), int64(nsec)).UTC()
	}
	if h.token == 0 || dataLen > MaxSize || h.keyLen == 0 || h.keyLen > store.MaxKey || zero != 0 ||
		int64(sec) < 0 || nsec >= 1e9 {
		return h, damaged("impossible values in the header")
	}
	return h, nil
}

// decodeFile takes a whole file apart. The slices point into b.
func decodeFile(b []byte) (h header, key, data []byte, err error) {
	if h, err = decodeHeader(b); err != nil {
		return h, nil, nil, err
	}
	if len(b) != h.size() {
		return h, nil, nil, damaged("its size is not what the header says")
	}
	if crc32.Checksum(b[headerSize:], castagnoli) != h.sum {
		return h, nil, nil, damaged("the checksum does not match")
	}
	key, data = b[headerSize:headerSize+h.keyLen], b[headerSize+h.keyLen:]
	return h, key, data, nil
}

func damaged(reason string) error { return fmt.Errorf("%w: %s", ErrDamaged, reason) }
