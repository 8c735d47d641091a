package flask_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// The backends that Flask-Session 0.3.2 does not have. What the later ones and
// cachelib leave on the server is looked at by other means than the stores.
func TestBackendsOfLaterVersions(t *testing.T) {
	for _, b := range []struct {
		name   string
		server testserver.Server
		config func(p *testserver.Process) map[string]any
		record func(t *testing.T, p *testserver.Process, key string) string
		// How the record begins.
		begins string
	}{
		{"cachelib's RedisCache", testserver.Redis(), func(p *testserver.Process) map[string]any {
			return map[string]any{"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "redis://" + p.Addr()}
		}, func(t *testing.T, p *testserver.Process, key string) string { return p.Do(t, "GET", key) },
			"!\x80"},
		{"cachelib's MemcachedCache", testserver.Memcached(), func(p *testserver.Process) map[string]any {
			return map[string]any{"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "memcached://" + p.Addr()}
		}, memcachedGet, "flags 1 \x80"},
		{"redis", testserver.Redis(), func(p *testserver.Process) map[string]any {
			return map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "unix://" + testserver.RedisSocket(p)}
		}, func(t *testing.T, p *testserver.Process, key string) string { return p.Do(t, "GET", key) },
			"\x82\xaa_permanent\xc3\xa4user\xa3ada"},
		{"dynamodb", testserver.Dynalite(), func(p *testserver.Process) map[string]any {
			return map[string]any{"SESSION_TYPE": "dynamodb", "SESSION_DYNAMODB": "dynamodb://t:t@/?region=local&endpoint=http://" + p.Addr()}
		}, dynamoGet, "\x82\xaa_permanent\xc3\xa4user\xa3ada"},
		{"postgresql", testserver.Postgres("fsync=off"), func(p *testserver.Process) map[string]any {
			return map[string]any{"SESSION_TYPE": "postgresql", "SESSION_POSTGRESQL": testserver.PostgresURL(p, "postgres").String() + "&create_table=true"}
		}, postgresGet, "\x82\xaa_permanent\xc3\xa4user\xa3ada"},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			p := testserver.Start(t, b.server)
			cfg, err := flask.Load(flask.FromMap(b.config(p)))
			if err != nil {
				t.Fatal(err)
			}
			s, err := flask.OpenStore(t.Context(), cfg, openers)
			if err != nil {
				t.Fatalf("OpenStore = %v (%s)", err, store.Advice(err))
			}
			defer store.Close(s)
			m, err := flask.New(s, cfg, cloakroom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			visitor, err := m.Open(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			visitor.Set("user", "ada")
			ticket, err := m.Commit(t.Context(), visitor)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.record(t, p, "session:"+string(ticket)); !strings.HasPrefix(got, b.begins) {
				t.Errorf("the server has %q, want what begins with %q", got, b.begins)
			}
			again, err := m.Open(t.Context(), ticket)
			if err != nil || again.Get("user") != "ada" {
				t.Errorf("Open = %v, %v", again.Get("user"), err)
			}
		})
	}
}

func memcachedGet(t *testing.T, p *testserver.Process, key string) string {
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "get %s\r\n", key)
	var flags, size int
	r := bufio.NewReader(conn)
	if _, err := fmt.Fscanf(r, "VALUE "+key+" %d %d\r\n", &flags, &size); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("flags %d %s", flags, data)
}

func dynamoGet(t *testing.T, p *testserver.Process, key string) string {
	body := fmt.Sprintf(`{"TableName": "Sessions", "Key": {"id": {"S": %q}}}`, key)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Addr()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	req.Header.Set("X-Amz-Date", "20240101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=t/20240101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Item struct {
			Val struct{ B []byte } `json:"val"`
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return string(answer.Item.Val.B)
}

func postgresGet(t *testing.T, p *testserver.Process, key string) string {
	db, err := sql.Open("pgx", testserver.PostgresURL(p, "postgres").String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var data []byte
	err = db.QueryRowContext(t.Context(), "SELECT data FROM public.flask_sessions WHERE session_id = $1 AND expiry > NOW()", key).Scan(&data)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
