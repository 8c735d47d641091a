package redisstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// authority makes a certificate for names, which signs itself, and its key.
func authority(t *testing.T, names ...string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func TestTLS(t *testing.T) {
	cert, key := authority(t, "redis.test")
	other, _ := authority(t, "redis.test")
	port := strconv.Itoa(testserver.FreePort())
	p := testserver.Start(t, testserver.Redis("tls-port "+port, "tls-cert-file "+cert, "tls-key-file "+key, "tls-ca-cert-file "+cert))
	addr := "127.0.0.1:" + port
	client := "&cert=" + cert + "&key=" + key
	for _, c := range []struct{ name, url, want, advice string }{
		{"verified", "rediss://" + addr + "/?server_name=redis.test&ca=" + cert + client, "", ""},
		{"not verified", "rediss://" + addr + "/?insecure_skip_verify=true" + client, "", ""},
		{"another authority", "rediss://" + addr + "/?server_name=redis.test&ca=" + other + client, "certificate", "ca=FILE"},
		{"another name", "rediss://" + addr + "/?ca=" + cert + client, "certificate", "server_name"},
		{"no TLS at this port", "rediss://" + p.Addr() + "/?insecure_skip_verify=true&dial_timeout=200ms", "", "rediss:// is for TLS"},
		{"TLS at this port", "redis://" + addr + "/?dial_timeout=1s", "", "rediss:// is for TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := tryOpen(t, c.url)
			if c.advice == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Save(t.Context(), "k-"+t.Name(), store.Record{}, store.Record{Data: []byte("v")}); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(store.Advice(err), c.advice) {
				t.Errorf("Open = %v (%s), want an error with %q and advice with %q", err, store.Advice(err), c.want, c.advice)
			}
		})
	}
}
