package flask_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
)

// What real Flask made of these cookies, good and bad, a Manager makes of
// them, too. Where Flask answers every request with status 500 until the
// visitor deletes the cookie, ours is a new session, or one in which only the
// value is missing that cannot be read.
func TestCookiesOfRealFlask(t *testing.T) {
	data, err := os.ReadFile("../internal/taggedjson/testdata/flask_cookie.json")
	if err != nil {
		t.Fatal(err)
	}
	type secret struct{ Hex string }
	var vectors struct {
		Decode []struct {
			Name      string
			CookieHex string `json:"cookie_hex"`
			Now       int64
			Secret    secret `json:"secret_key"`
			Config    map[string]any
			Verdict   string
			Open      struct {
				Session struct{ V [][2]struct{ V any } }
			} `json:"open_session"`
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors.Decode {
		t.Run(v.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Unix(v.Now, 0)))
				cookie, err := hex.DecodeString(v.CookieHex)
				if err != nil {
					t.Fatal(err)
				}
				key, err := hex.DecodeString(v.Secret.Hex)
				if err != nil {
					t.Fatal(err)
				}
				want := []string{}
				for _, pair := range v.Open.Session.V {
					want = append(want, pair[0].V.(string))
				}
				refused := stricter[v.Name] != ""
				if refused {
					want = []string{}
				}
				got, isNew := opened(t, key, v.Config, string(cookie), v.Verdict == "http_500")
				slices.Sort(want)
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("the session has %q, want %q", got, want)
				}
				if refused && !isNew {
					t.Error("what cannot be read is not a new session")
				}
			})
		})
	}
	if len(vectors.Decode) < 120 {
		t.Errorf("only %d cookies were tried", len(vectors.Decode))
	}
}

// stricter are the cookies that Flask takes and we do not; see package
// itsdangerous.
var stricter = map[string]string{
	"signature_noncanonical_last_char": "a second form of the same signature",
	"signature_padded":                 "a second form of the same signature",
	"signature_padded_twice":           "a second form of the same signature",
	"signature_std_alphabet":           "a second form of the same signature",
	"signature_with_4_junk":            "a second form of the same signature",
	"payload_json_pairs":               "a list is no session",
	"payload_tag_top_tuple":            "a tuple is no session",
	"zlib_bomb_1mb":                    "larger than Options.MaxSize",
	"zlib_bomb_5mb":                    "larger than Options.MaxSize",
}

// opened returns the names in the session that a cookie opens: of all values,
// or of those that can be read.
func opened(t *testing.T, key []byte, config map[string]any, cookie string, readable bool) (names []string, isNew bool) {
	cfg := flask.DefaultConfig()
	cfg.InsecureSecrets = true
	values := map[string]any{"SECRET_KEY": key}
	for k, v := range config {
		values[k] = v
	}
	if err := cfg.Load(flask.FromMap(values)); err != nil {
		t.Fatal(err)
	}
	m, err := flask.New(nil, cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	resp := serve(m, cookie, func(_ http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		names = slices.DeleteFunc(s.Keys(), func(name string) bool { return readable && s.Get(name) == nil })
		isNew = s.IsNew()
		if s.Permanent() {
			names = append(names, "_permanent")
		}
		if s.Get("_flashes") != nil {
			names = append(names, "_flashes")
		}
		if s.Err() != nil {
			t.Errorf("the session has failed: %v", s.Err())
		}
	})
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", resp.StatusCode)
	}
	return names, isNew
}
