package redisproto

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/cloakroom/cloakroom/store"
)

var errMarker = errors.New("the value is not a session of this store: it lacks the first byte that cachelib writes")

// AdviseMaster is what to do where Sentinels do not know the master.
const AdviseMaster = "The Sentinels do not know a master of that name, or none of them answers: correct the name, which is the one after sentinel monitor in sentinel.conf, or start them."

const (
	adviseMarker   = "Another program uses the same keys, or wrote its sessions before the store was told of cachelib; give each its own prefix."
	adviseSlow     = "The server did not answer in time: it does not run, is overloaded (see SLOWLOG), paused, or cut off."
	adviseTooLarge = "Keep large values outside of the session, or raise the store's MaxRecord."
)

// serverError is an error that the server answered with, without what it
// quotes of the command.
type serverError struct {
	text string
	err  error // nil if its text may tell a key
}

func (e *serverError) Error() string { return e.text }
func (e *serverError) Unwrap() error { return e.err }

// Fail makes a driver's error one of the operation op, with advice. It returns
// nil if err is nil.
func (s *Store) Fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if s.closed.Load() {
		return s.errorf(op, store.ErrClosed)
	}
	message, answered := s.d.ServerError(err)
	if !answered {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return store.WithAdvice(s.ended(ctx, op), adviseSlow)
		}
		if ctx.Err() != nil {
			return s.ended(ctx, op)
		}
		return s.unreachable(op, err)
	}
	// "unknown command 'X', with args beginning with: 'key' 'value'"
	if head, _, cut := strings.Cut(message, ", with args beginning with"); cut {
		message, err = head, nil
	}
	advice := adviceFor(message)
	wrapped := s.errorf(op, &serverError{message, err})
	if strings.Contains(message, "invalid bulk length") || strings.Contains(message, "string exceeds maximum allowed size") {
		wrapped = fmt.Errorf("%s: %s: %w: the server says: %s", s.o.Name, op, store.ErrTooLarge, message)
	}
	if advice == "" {
		return wrapped
	}
	return store.WithAdvice(wrapped, advice)
}

// unreachable is the error for a server that did not answer.
func (s *Store) unreachable(op string, err error) error {
	wrapped := s.errorf(op, err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) {
		// As these, store.ErrNotFound and store.ErrClosed are known: that a
		// socket is missing must not read as a session's end.
		wrapped = fmt.Errorf("%s: %s: %v", s.o.Name, op, err)
	}
	return store.WithAdvice(wrapped, networkAdvice(err))
}

func networkAdvice(err error) string {
	if errors.Is(err, ErrReplicas) {
		return "Bring the replicas back, or ask for fewer; what was changed is on the master, but is not counted as saved."
	}
	if strings.Contains(err.Error(), "sentinels specified in configuration") { // go-redis has no better mark
		return AdviseMaster
	}
	if strings.Contains(err.Error(), "server of the Ring is down") {
		return "Bring the server back: no other can take its sessions over."
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &unknown):
		return "Give the certificate of the authority that signed the server's: ca=FILE in the URL, or RootCAs in the client's TLS configuration."
	case errors.As(err, &host), errors.As(err, &invalid):
		return "The server's certificate is not valid for the name it was reached by, or at this time: use the name in the certificate (server_name=NAME in the URL), or renew it."
	case errors.As(err, &alert):
		return "The server refuses this client's TLS: it may want a certificate (cert=FILE&key=FILE in the URL)."
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "No such host: check the server's name, and the name server of this machine."
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there: start the server, or correct host and port."
	case errors.Is(err, fs.ErrNotExist):
		return "There is no such socket: start the server, or correct its path (unixsocket in redis.conf)."
	case errors.Is(err, fs.ErrPermission):
		return "This user may not open the socket: set unixsocketperm in redis.conf, or put the user into the server's group."
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return "The server did not answer in time: it is overloaded (see SLOWLOG), paused, or cut off, or it speaks no TLS at this port (rediss:// is for TLS, redis:// is not)."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "The server closed the connection: it was stopped or restarted, or wants TLS or not at this port (rediss:// is for TLS, redis:// is not)."
	}
	return "Check that the server runs, and the network between."
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// advice is by the code that a server's error begins with.
var advice = map[string]string{
	"WRONGPASS":   "Correct user name and password of the server.",
	"NOAUTH":      "The server wants a password: put it into the URL or the client's options.",
	"NOPERM":      "Allow the user what the store needs: ACL SETUSER NAME ~PREFIX* +get +set +del +exists +pttl +pexpire +persist +eval +evalsha +scan +ping; with Replicas also +wait, with StaleFor also +evalsha_ro +client|tracking +client|caching.",
	"OOM":         "The server's memory is full and it may not evict: raise maxmemory, or shorten the sessions' idle timeout. Do not let it evict sessions.",
	"READONLY":    "This is a replica, which takes no changes: connect to the master, or by redis+sentinel:// or redis+cluster://, which follow it.",
	"LOADING":     "The server still reads its data from the disk; it answers by itself when it is done.",
	"BUSY":        "A script of another program blocks the server: SCRIPT KILL ends it.",
	"MISCONF":     "The server cannot write its snapshot to the disk and so refuses changes: see its log, and the space on its disk.",
	"MASTERDOWN":  "This replica has lost its master: bring the master back, or fail over.",
	"CLUSTERDOWN": "Part of the cluster is down: see CLUSTER INFO and CLUSTER NODES on its nodes.",
	"NOREPLICAS":  "The master has fewer replicas in touch than min-replicas-to-write wants: bring them back.",
	"WRONGTYPE":   "Another program keeps a value of another type under the same key: give each its own prefix.",
	"MOVED":       "This server is a node of a cluster: connect by redis+cluster://, or with a client for clusters.",
	"CROSSSLOT":   "This server is a node of a cluster: connect by redis+cluster://, or with a client for clusters.",
	"DENIED":      "The server is in protected mode: set a password, or bind it to the network that the program is in.",
	"TRYAGAIN":    "The cluster moves slots at the moment; it is over by itself.",
}

// adviceFor tells the operator what to do about an error of the server.
func adviceFor(message string) string {
	for code, text := range advice {
		if hasCode(message, code) {
			return text
		}
	}
	switch {
	case strings.Contains(message, "user executing the script can't"), strings.Contains(message, "ACL failure in script"):
		return advice["NOPERM"]
	case strings.Contains(message, "DB index is out of range"):
		return "The server has no database of that number: correct it, or raise databases in redis.conf."
	case strings.Contains(message, "No such master"):
		return AdviseMaster
	case strings.Contains(message, "SELECT is not allowed"):
		return "A cluster has database 0 only: take the number out of the URL."
	case strings.Contains(message, "max number of clients reached"):
		return "The server takes no more connections: raise maxclients, or find out who holds them by CLIENT LIST."
	case strings.Contains(message, "invalid bulk length"), strings.Contains(message, "string exceeds maximum"):
		return "Keep large values outside of the session, or raise proto-max-bulk-len in redis.conf."
	case strings.Contains(message, "unknown command"), strings.Contains(message, "Unknown Redis command"):
		if strings.Contains(strings.ToUpper(message), "SENTINEL") {
			return "redis+sentinel:// and clients for Sentinel want the addresses of Sentinels, port 26379 mostly, and this is a server."
		}
		return "The server lacks a command that the store needs, or it was renamed in redis.conf; scripts must be allowed."
	}
	return ""
}

// unspecific reports whether a server's message has the code ERR, as a syntax
// error has. One of the client libraries cuts it off.
func unspecific(message string) bool {
	code, _, _ := strings.Cut(message, " ")
	return code == "ERR" || code != strings.ToUpper(code)
}

// hasCode reports whether a server's message has the code, at its beginning or,
// from a script on an old server, after the place in the script.
func hasCode(message, code string) bool {
	return strings.HasPrefix(message, code+" ") || strings.Contains(message, ": "+code+" ") || strings.Contains(message, ": -"+code+" ")
}
