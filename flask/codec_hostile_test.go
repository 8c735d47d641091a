package flask_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
)

// most is how many bytes a small record or cookie may make its reader allocate,
// garbage included.
const most = 8 << 20

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// An oddity is an input of the vectors that no honest program writes, or that
// only some read.
type oddity struct {
	name   string
	data   []byte
	refuse bool // never to be read
}

// oddities are the hostile, the malformed and the odd inputs of every vector
// file.
func oddities(t *testing.T) (records, cookies []oddity) {
	t.Helper()
	type sample struct {
		Name      string
		Stored    json.RawMessage
		StoredB64 string `json:"stored_b64"`
	}
	var pickles struct {
		DecodeOnly         []sample `json:"decode_only"`
		Malformed, Hostile []sample
	}
	readJSON(t, "../internal/pickle/testdata/flask_session_pickle.json", &pickles)
	// What may be accepted as a plain value, as the vectors say.
	plain := map[string]bool{"decimal_huge_exp": true, "global_after_stop_ok": true}
	for _, list := range [][]sample{pickles.DecodeOnly, pickles.Malformed, pickles.Hostile} {
		for _, s := range list {
			var data []byte
			if err := json.Unmarshal(s.Stored, &data); err != nil {
				t.Fatal(err)
			}
			hostile := &list[0] == &pickles.Hostile[0]
			records = append(records, oddity{"pickle " + s.Name, data, hostile && !plain[s.Name]})
		}
	}
	for _, format := range []string{"msgpack", "json"} {
		var v struct{ Decode []sample }
		readJSON(t, "../codec/testdata/flask_session_"+format+".json", &v)
		for _, s := range v.Decode {
			var text string
			_ = json.Unmarshal(s.Stored, &text) // else it is in base64
			data, err := hex.DecodeString(text)
			if s.StoredB64 != "" {
				data, err = base64.StdEncoding.DecodeString(s.StoredB64)
			}
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, oddity{format + " " + s.Name, data, false})
		}
	}
	var files struct {
		Behaviour []struct {
			Name    string
			Content []byte
		}
	}
	readJSON(t, "../internal/pickle/testdata/cachelib_files.json", &files)
	for _, f := range files.Behaviour {
		records = append(records, oddity{"file " + f.Name, f.Content, false})
	}
	var v struct {
		Decode []struct {
			Name, Verdict string
			Hex           string `json:"cookie_hex"`
		}
	}
	readJSON(t, "../internal/taggedjson/testdata/flask_cookie.json", &v)
	for _, c := range v.Decode {
		data, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, oddity{"cookie " + c.Name, data, false})
	}
	if len(pickles.Hostile) < 40 || len(records) < 150 || len(cookies) < 100 {
		t.Fatalf("only %d hostile pickles, %d records and %d cookies", len(pickles.Hostile), len(records), len(cookies))
	}
	return records, cookies
}

// TestOddRecordsAreHarmless reads each with the codecs of all formats, as a
// record is read, and rewrites what can be read.
func TestOddRecordsAreHarmless(t *testing.T) {
	records, _ := oddities(t)
	for _, o := range records {
		for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle} {
			c := flask.RecordCodec(format)
			read := false
			n := allocated(func() {
				fields, err := c.Split(nil, o.data)
				for _, f := range fields {
					var v any
					_ = c.Unmarshal(f.Raw, &v)
				}
				if read = err == nil; read {
					_, _ = c.Join(nil, fields)
				}
			})
			if n > most {
				t.Errorf("%s, read by %s: %d bytes allocated for %d", o.name, format, n, len(o.data))
			}
			if read && o.refuse {
				t.Errorf("%s is read by %s", o.name, format)
			}
		}
	}
}

// TestOddRecordsInASession has them in the store: whoever comes with their
// session gets a new one, and the record stays as it is.
func TestOddRecordsInASession(t *testing.T) {
	records, _ := oddities(t)
	for _, o := range records {
		if len(o.data) == 0 {
			continue
		}
		m, s, ticket, key := withRecord(t, flask.FormatMsgPack, string(o.data))
		session, err := m.Open(t.Context(), ticket)
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		for name, v := range session.All() {
			_, _ = name, v
		}
		if !o.refuse {
			continue
		}
		if !session.IsNew() {
			t.Errorf("%s opens a session", o.name)
		}
		session.Set("a", 1)
		if got, err := m.Commit(t.Context(), session); err != nil || got == ticket {
			t.Errorf("%s: the new session has the ticket of the old one, or error %v", o.name, err)
		}
		if rec, err := s.Load(t.Context(), key); err != nil || !bytes.Equal(rec.Data, o.data) {
			t.Errorf("%s: the record has changed, error %v", o.name, err)
		}
	}
}

// TestOddInputsCanBeLookedAt gives them all to Inspect.
func TestOddInputsCanBeLookedAt(t *testing.T) {
	records, cookies := oddities(t)
	for _, o := range append(records, cookies...) {
		var err error
		n := allocated(func() { _, err = flask.Inspect(o.data, flask.Config{SecretKey: flask.Secret(vectorKey)}) })
		if n > most {
			t.Errorf("%s: %d bytes allocated for %d", o.name, n, len(o.data))
		}
		if o.refuse && err == nil {
			t.Errorf("%s is shown", o.name)
		}
		if err != nil && (len(err.Error()) > 400 || strings.Contains(err.Error(), string(o.data)) && len(o.data) > 20) {
			t.Errorf("%s: the error is %v", o.name, err)
		}
	}
}

// TestOddCookiesInASession opens them as Flask's session cookie.
func TestOddCookiesInASession(t *testing.T) {
	cfg := flask.DefaultConfig()
	cfg.SecretKey, cfg.InsecureSecrets = flask.Secret(vectorKey), true
	m, err := flask.New(nil, cfg, cloakroom.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, cookies := oddities(t)
	for _, o := range cookies {
		n := allocated(func() {
			session, err := m.Open(t.Context(), cloakroom.Ticket(o.data))
			if err != nil {
				t.Errorf("%s: %v", o.name, err)
				return
			}
			for name, v := range session.All() {
				_, _ = name, v
			}
		})
		if n > most {
			t.Errorf("%s: %d bytes allocated for %d", o.name, n, len(o.data))
		}
	}
}
