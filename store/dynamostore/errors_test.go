package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// saying starts a server that answers every request in one way, and returns a
// client of it and how often it was asked.
func saying(t *testing.T, answer http.HandlerFunc) (*dynamodb.Client, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}), &asked
}

// refusing answers as DynamoDB does when it refuses a request.
func refusing(kind, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, kind, message)
	}
}

// fourCalls calls the methods of the contract.
func fourCalls(t *testing.T, s store.Store, call func(name string, err error)) {
	t.Helper()
	ctx, r := t.Context(), record("SECRETDATA", inAnHour())
	_, err := s.Load(ctx, "SECRETKEY")
	call("Load", err)
	_, err = s.Save(ctx, "SECRETKEY", store.Record{}, r)
	call("Save that creates", err)
	_, err = s.Save(ctx, "SECRETKEY", r, r)
	call("Save", err)
	_, err = s.Save(ctx, "SECRETKEY", r, store.Record{})
	call("Save that deletes", err)
	call("Touch", s.Touch(ctx, "SECRETKEY", r, inAnHour()))
	call("Delete", s.Delete(ctx, "SECRETKEY"))
	_, err = s.(store.BatchLoader).LoadAll(ctx, []string{"SECRETKEY", "SECRETKEY2"})
	call("LoadAll", err)
	for _, err := range s.(store.Lister).List(ctx, "") {
		call("List", err)
	}
	_, err = s.(store.Cleaner).DeleteExpired(ctx, 1)
	call("DeleteExpired", err)
	call("Ping", s.(store.Pinger).Ping(ctx))
}

func TestServerErrors(t *testing.T) {
	for kind, c := range map[string]struct {
		message, text, advice string
		is                    error
		tries                 int32 // of a save
	}{
		"ProvisionedThroughputExceededException": {"SECRETKEY", "ProvisionedThroughputExceededException", adviseThrottled, nil, 3},
		"ThrottlingException":                    {"SECRETKEY", "ThrottlingException", adviseThrottled, nil, 3},
		"RequestLimitExceeded":                   {"SECRETKEY", "RequestLimitExceeded", adviseThrottled, nil, 3},
		"ResourceNotFoundException":              {"SECRETKEY", "ResourceNotFoundException", adviseTable, nil, 1},
		"AccessDeniedException":                  {"User: me is not authorized to perform: dynamodb:PutItem", "me is not authorized", adviseDenied, nil, 1},
		"UnrecognizedClientException":            {"SECRETKEY", "UnrecognizedClientException", adviseCredentials, nil, 1},
		"InvalidSignatureException":              {"SECRETKEY", "InvalidSignatureException", adviseCredentials, nil, 1},
		"ValidationException":                    {"bad SECRETKEY", "ValidationException", adviseSchema, nil, 1},
		"InternalServerError":                    {"SECRETKEY", "InternalServerError", "", nil, 1},
	} {
		t.Run(kind, func(t *testing.T) {
			client, asked := saying(t, refusing(kind, c.message))
			s, err := New(client, Options{})
			if err != nil {
				t.Fatal(err)
			}
			fourCalls(t, s, func(name string, err error) {
				if err == nil || !strings.Contains(err.Error(), c.text) || store.Advice(err) != c.advice {
					t.Errorf("%s = %v with advice %q, want %s with %q", name, err, store.Advice(err), c.text, c.advice)
				}
				if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
					t.Errorf("%s = %v, which says that there is no record, or another one", name, err)
				}
				checkDiscreet(t, err, "SECRETKEY", "SECRETDATA")
				if n := asked.Swap(0); strings.HasPrefix(name, "Save") && n != c.tries {
					t.Errorf("%s asked %d times, want %d", name, n, c.tries)
				}
			})
		})
	}
}

func TestTooLargeForTheServer(t *testing.T) {
	for _, message := range []string{"Item size has exceeded the maximum allowed size", "Item size to update has exceeded the maximum allowed size"} {
		client, _ := saying(t, refusing("ValidationException", message))
		s, err := New(client, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, prev := range []store.Record{{}, record("old", inAnHour())} {
			if _, err := s.Save(t.Context(), "key", prev, record("data", inAnHour())); !errors.Is(err, store.ErrTooLarge) || store.Advice(err) == "" {
				t.Errorf("Save = %v with advice %q, want ErrTooLarge with some", err, store.Advice(err))
			}
		}
	}
}

// A request whose answer got lost may have taken effect. A save that is sent
// again would find what it wrote itself, and call it a conflict.
func TestSavesAreNotSentAgain(t *testing.T) {
	client, asked := saying(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	s, err := New(client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fourCalls(t, s, func(name string, err error) {
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || store.Advice(err) != adviseUnreachable {
			t.Errorf("%s = %v with advice %q", name, err, store.Advice(err))
		}
		want := int32(3)
		if strings.HasPrefix(name, "Save") || name == "Ping" { // which begins with a save
			want = 1
		}
		if n := asked.Swap(0); n != want {
			t.Errorf("%s was sent %d times, want %d", name, n, want)
		}
	})
}

func TestURLs(t *testing.T) {
	for rawURL, want := range map[string]opened{
		"dynamodb:":                               {},
		"dynamodb://":                             {},
		"dynamodb://My_Table.x-1/?region=eu":      {Options: Options{Table: "My_Table.x-1"}, region: "eu"},
		"dynamodb://T?layout=flask":               {Options: Options{Table: "T", Flask: true}},
		"dynamodb://T?layout=native":              {Options: Options{Table: "T"}},
		"dynamodb://T?table_exists=true&region=r": {Options: Options{Table: "T"}, region: "r", exists: true},
		"dynamodb://T?endpoint=http://h:8000":     {Options: Options{Table: "T"}, endpoint: "http://h:8000"},
	} {
		o, err := parseURL(parse(t, rawURL))
		if err != nil || *o != want {
			t.Errorf("%s: %+v, %v, want %+v", rawURL, o, err, want)
		}
	}
	o, err := parseURL(parse(t, "dynamodb://id:se%2Fcret@T"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := o.credentials.Retrieve(t.Context()); c.AccessKeyID != "id" || c.SecretAccessKey != "se/cret" || err != nil {
		t.Errorf("credentials %q, %v", c.AccessKeyID, err)
	}
}

func TestBadURLs(t *testing.T) {
	for rawURL, want := range map[string]string{
		"dynamodb://T?regoin=eu":                `"regoin"; known are endpoint, layout, region, table_exists`,
		"dynamodb://T?region=":                  "region: it is empty",
		"dynamodb://T?layout=django":            `layout: "django" is neither native nor flask`,
		"dynamodb://T?table_exists=perhaps":     "table_exists: ",
		"dynamodb://T?endpoint=localhost:8000":  "endpoint: it is no URL",
		"dynamodb://T?endpoint=http://u:hush@h": "endpoint: it is no URL",
		"dynamodb://T?endpoint=":                "endpoint: it is no URL",
		"dynamodb://T?region=%zz":               "not well escaped",
		"dynamodb://host:8000":                  "write dynamodb://table",
		"dynamodb://host/table":                 "write dynamodb://table",
		"dynamodb:table":                        "write dynamodb://table",
		"dynamodb://id@T":                       "both, or neither",
		"dynamodb://:hush@T":                    "both, or neither",
	} {
		_, err := Open(t.Context(), parse(t, rawURL))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", rawURL, err, want)
		}
		checkDiscreet(t, err, "hush")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, parse(t, "dynamodb://T")); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a context that is done = %v", err)
	}
}

func parse(t *testing.T, rawURL string) *url.URL {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestErrorsAtStart(t *testing.T) {
	// Nothing of the machine that runs the test.
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	addr := server(t)
	for name, c := range map[string]struct{ url, advice string }{
		"no such table":  {fresh(addr, "native") + "&table_exists=true", adviseTable},
		"no region":      {"dynamodb://id:hush@T?endpoint=http://" + addr, adviseRegion},
		"no credentials": {"dynamodb://T?region=local&endpoint=http://" + addr, adviseCredentials},
		"unreachable":    {fmt.Sprintf("dynamodb://id:hush@T?region=local&endpoint=http://127.0.0.1:%d", testserver.FreePort()), adviseUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openURL(t.Context(), c.url)
			if err == nil {
				s.Close()
			}
			if err == nil || store.Advice(err) != c.advice {
				t.Errorf("Open = %v with advice %q, want advice %q", err, store.Advice(err), c.advice)
			}
			checkDiscreet(t, err, "hush")
		})
	}
}

func TestNew(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("New takes a nil client")
	}
	client, asked := saying(t, refusing("InternalServerError", ""))
	s, err := New(client, Options{})
	if err != nil || aws.ToString(s.table) != "Sessions" {
		t.Errorf("New = table %q, %v, want Sessions", aws.ToString(s.table), err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("New asks the server %d times", n)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	fourCalls(t, s, func(name string, err error) {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after Close = %v, want ErrClosed", name, err)
		}
	})
}

// A failing server is one with expired items that it does not delete.
type failing struct {
	Client // for the rest; nil

	items   int
	deletes atomic.Int64
}

func (f *failing) Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	out := &dynamodb.ScanOutput{}
	for i := range f.items {
		out.Items = append(out.Items, byKey(strconv.Itoa(i)))
	}
	return out, nil
}

func (f *failing) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	f.deletes.Add(1)
	return nil, apiError("ThrottlingException")
}

// A cleanup ends with its first error, not with one for each item.
func TestCleanupEndsWithTheFirstError(t *testing.T) {
	server := &failing{items: 1000}
	s, err := New(server, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.DeleteExpired(t.Context(), 1000)
	if n != 0 || store.Advice(err) != adviseThrottled {
		t.Errorf("DeleteExpired = %d, %v with advice %q, want the server's error", n, err, store.Advice(err))
	}
	if n := server.deletes.Load(); n > removers {
		t.Errorf("%d items were tried, want at most one for each of the %d who do it", n, removers)
	}
}
