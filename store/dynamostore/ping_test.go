package dynamostore

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/store"
)

// Whatever a program may not do, Ping says so. dynalite lets anybody do
// anything, so what stands in front of it refuses.
func TestPingOfAProgramThatLacksARight(t *testing.T) {
	addr := server(t)
	raw := fresh(addr, "native")
	owner := open(t, raw)
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	for _, denied := range []string{"none", "GetItem", "PutItem", "UpdateItem", "DeleteItem"} {
		t.Run(denied, func(t *testing.T) {
			refused := false
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+denied) {
					refused = true
					refusing("AccessDeniedException", "User: me is not authorized to perform: dynamodb:"+denied)(w, r)
					return
				}
				behind.ServeHTTP(w, r)
			}))
			defer front.Close()
			s, err := New(dynamodb.New(dynamodb.Options{Region: "local", BaseEndpoint: &front.URL,
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}), Options{Table: *owner.table})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Ping(t.Context())
			if denied == "none" && (err != nil || refused) {
				t.Errorf("Ping = %v, want nil", err)
			}
			if denied != "none" && (err == nil || !strings.Contains(err.Error(), "not authorized") || store.Advice(err) != adviseDenied) {
				t.Errorf("Ping = %v (%s), want an error with advice", err, store.Advice(err))
			}
			n := 0
			for _, err := range owner.List(t.Context(), "") {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
			if denied != "DeleteItem" && n != 0 {
				t.Errorf("%d records are left, want 0", n)
			}
		})
	}
}

func TestPingOfAMissingTable(t *testing.T) {
	raw := fresh(server(t), "native") + "&table_exists=true"
	_, err := openURL(t.Context(), raw)
	if err == nil || store.Advice(err) != adviseTable {
		t.Errorf("Open = %v (%s), want an error with advice", err, store.Advice(err))
	}
}
