package memcachedstore

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// ping returns a function that tells whether a server answers, at its socket
// if there is one.
func ping(socket string, o Options) func(ctx context.Context, p *testserver.Process) error {
	return func(ctx context.Context, p *testserver.Process) error {
		addr := p.Addr()
		if socket != "" {
			addr = p.Path("sock")
		}
		s, err := New([]string{addr}, o)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Ping(ctx)
	}
}

// certificate returns a key and certificate for 127.0.0.1 in PEM.
func certificate(t *testing.T) (both []byte, pool *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(crt)
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), crt...), pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	both, pool := certificate(t)
	o := Options{TLS: &tls.Config{RootCAs: pool}}
	server := testserver.Memcached()
	args := server.Args
	server.Prepare = func(p *testserver.Process) error { return os.WriteFile(p.Path("pem"), both, 0o644) }
	server.Args = func(p *testserver.Process) []string {
		return append(args(p), "-Z", "-o", "ssl_chain_cert="+p.Path("pem"), "-o", "ssl_key="+p.Path("pem"))
	}
	server.Ready = ping("", o)
	p := testserver.Start(t, server)
	s := open(t, o, p.Addr())
	create(t, s, "k", string(make([]byte, 100_000)))
	for range 3 {
		holds(t, s, "k", string(make([]byte, 100_000)))
	}
	// One connection served all: looking whether it is alive did not break it.
	if n := len(s.servers[0].idle); n != 1 {
		t.Errorf("%d connections are idle, want 1", n)
	}
	if err := open(t, Options{TLS: &tls.Config{}}, p.Addr()).Ping(t.Context()); !strings.Contains(store.Advice(err), "RootCAs") {
		t.Errorf("Ping of a server whose certificate is unknown = %v with advice %q, want an error with advice", err, store.Advice(err))
	}
	p.Kill(t)
	p.Restart(t)
	eventually(t, "Ping after the restart", func() error { return s.Ping(t.Context()) })
}
