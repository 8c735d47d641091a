package memcachedstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A status is how a change went.
type status byte

const (
	stored  status = iota // or removed
	gone                  // there is no item
	changed               // the item has another CAS number
	present               // there is an item already
)

// statuses are the answers to commands that change something.
var statuses = map[string]status{"HD": stored, "NF": gone, "EX": changed, "NS": present}

// answer is what a server says to a command that changes something.
type answer struct {
	status status
	cas    uint64 // of the item now, or zero if unknown
}

// serverError is an error that the server reports.
type serverError string

func (e serverError) Error() string { return string(e) }

var errProtocol = errors.New("the server's answer is not that of Memcached")

// line reads one line of an answer, valid until the next read. Lines that
// report an error are errors.
func (c *conn) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	line = bytes.TrimRight(line, "\r\n")
	for _, kind := range []string{"SERVER_ERROR", "CLIENT_ERROR", "ERROR"} {
		if bytes.HasPrefix(line, []byte(kind)) {
			return nil, serverError(strings.ToValidUTF8(string(line[:min(len(line), 100)]), "?"))
		}
	}
	return line, nil
}

// head is the first line of an answer to a meta command.
type head struct {
	code  string
	size  int // of the value that follows, if code is VA
	flags uint32
	cas   uint64
	left  int64
}

// head reads the first line of an answer.
func (c *conn) head() (h head, err error) {
	line, err := c.line()
	if err != nil {
		return h, err
	}
	code, rest, _ := bytes.Cut(line, []byte(" "))
	h.code, h.left = string(code), -1
	if h.code == "VA" {
		var size []byte
		size, rest, _ = bytes.Cut(rest, []byte(" "))
		h.size, err = strconv.Atoi(string(size))
		if err != nil || h.size < 0 || h.size > c.maxItem {
			return h, errProtocol
		}
	}
	for token := range bytes.FieldsSeq(rest) {
		value := string(token[1:])
		var err error
		switch token[0] {
		case 'f':
			var flags uint64
			flags, err = strconv.ParseUint(value, 10, 32)
			h.flags = uint32(flags)
		case 'c':
			h.cas, err = strconv.ParseUint(value, 10, 64)
		case 't':
			h.left, err = strconv.ParseInt(value, 10, 33)
		}
		if err != nil {
			return h, errProtocol
		}
	}
	return h, nil
}

// get reads an item, with its data if it is wanted whole.
func (c *conn) get(key string, whole bool, now func() time.Time) (item, error) {
	c.ask(key, whole)
	if err := c.flush(); err != nil {
		return item{}, err
	}
	return c.item(now)
}

// ask writes the command that reads an item.
func (c *conn) ask(key string, whole bool) {
	b := append(c.w.AvailableBuffer(), "mg "...)
	b = append(b, key...)
	if whole {
		b = append(b, " v"...)
	}
	c.w.Write(append(b, " f c t\r\n"...)) // an error stays until flush
}

// item reads the answer to ask.
func (c *conn) item(now func() time.Time) (item, error) {
	h, err := c.head()
	if err != nil {
		return item{}, c.broke(err)
	}
	it := item{flags: h.flags, cas: h.cas, left: h.left}
	switch h.code {
	case "EN":
		return item{}, store.ErrNotFound
	case "HD":
	case "VA":
		if it.data, err = c.data(h.size); err != nil {
			return item{}, c.broke(err)
		}
		if line, err := c.r.ReadSlice('\n'); err != nil || string(line) != "\r\n" {
			return item{}, c.broke(errors.Join(errProtocol, err))
		}
	default:
		return item{}, c.broke(errProtocol)
	}
	if it.cas == 0 {
		return item{}, c.broke(errProtocol) // it could never be replaced
	}
	it.date(now())
	return it, nil
}

// data reads size bytes. Many are believed only as they come.
func (c *conn) data(size int) ([]byte, error) {
	if size <= defaultMaxItem {
		data := make([]byte, size)
		_, err := io.ReadFull(c.r, data)
		return data, err
	}
	data, err := io.ReadAll(io.LimitReader(c.r, int64(size)))
	if err == nil && len(data) < size {
		err = io.ErrUnexpectedEOF
	}
	return data[:len(data):len(data)], err
}

// set stores an item.
func (c *conn) set(key string, w write) (answer, error) {
	// Not left to the server, which would drop the item that is there.
	if limit := c.maxItem - overhead - len(key); w.size() > limit {
		return answer{}, tooLarge(store.TooLarge(w.size(), limit))
	}
	b := append(c.w.AvailableBuffer(), "ms "...)
	b = append(b, key...)
	b = strconv.AppendInt(append(b, ' '), int64(w.size()), 10)
	b = strconv.AppendUint(append(b, " c F"...), uint64(w.flags), 10)
	b = strconv.AppendInt(append(b, " T"...), w.exptime, 10)
	if w.cas != 0 {
		b = strconv.AppendUint(append(b, " C"...), w.cas, 10)
	}
	if w.add {
		b = append(b, " ME"...)
	}
	c.w.Write(append(b, "\r\n"...))
	c.w.Write(w.data)
	c.w.Write(w.end)
	c.w.WriteString("\r\n")
	return c.change()
}

// remove removes an item; if cas is not zero, only the one with this number.
func (c *conn) remove(key string, cas uint64) (answer, error) {
	b := append(c.w.AvailableBuffer(), "md "...)
	b = append(b, key...)
	if cas != 0 {
		b = strconv.AppendUint(append(b, " C"...), cas, 10)
	}
	c.w.Write(append(b, "\r\n"...))
	return c.change()
}

// change sends a command that changes something, and reads the answer.
func (c *conn) change() (answer, error) {
	if err := c.flush(); err != nil {
		return answer{}, err
	}
	h, err := c.head()
	if err != nil {
		return answer{}, c.broke(explain(err))
	}
	st, ok := statuses[h.code]
	if !ok {
		return answer{}, c.broke(errProtocol)
	}
	return answer{st, h.cas}, nil
}

// noop asks the server for a sign of life.
func (c *conn) noop() error {
	c.w.WriteString("mn\r\n")
	if err := c.flush(); err != nil {
		return err
	}
	line, err := c.line()
	if err == nil && string(line) != "MN" {
		err = errProtocol
	}
	if err != nil {
		return c.broke(err)
	}
	return nil
}

// explain says what an error means that the server answers to a change.
func explain(err error) error {
	switch e, _ := errors.AsType[serverError](err); {
	case strings.Contains(string(e), "too large"):
		return tooLarge(fmt.Errorf("%w: %w", store.ErrTooLarge, err))
	case strings.Contains(string(e), "out of memory"):
		return store.WithAdvice(err, "Give memcached more memory (-m), or let it evict what was not used for long (without -M).")
	}
	return err
}

func tooLarge(err error) error {
	return store.WithAdvice(err, "Let memcached take larger items (-I 4m, say), or keep less in the session.")
}
