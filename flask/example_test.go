package flask_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/itsdangerous"
	"github.com/cloakroom/cloakroom/store"
)

// A Go server on the sessions of a Flask application: the same configuration,
// and everything else as with native sessions.
func Example() {
	dir, err := os.MkdirTemp("", "flask_session") // in earnest the application's own
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cfg, err := flask.Load(flask.FromMap(map[string]any{
		"SECRET_KEY":       "0c6a5b1de0f24e5b9d3e7f3a",
		"SESSION_TYPE":     "filesystem",
		"SESSION_FILE_DIR": dir,
	}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	records, err := flask.OpenStore(ctx, cfg, store.Openers{})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := flask.New(records, cfg, cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const user = cloakroom.Key[string]("user") // session["user"]
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Regenerate()
		user.Set(s, "ada")
		s.Flash("message", "Welcome.") // get_flashed_messages() shows it on the next page
	})
	handler := sessions.Handler(mux) // for http.ListenAndServe

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("POST", "/login", nil))
	fmt.Println(len(w.Result().Cookies()), w.Header().Get("Vary"))
	// Output: 1 Cookie
}

// The cookie that Flask signed opens the session in Go.
func ExampleNew_cookie() {
	cfg, err := flask.Load(flask.FromMap(map[string]any{"SECRET_KEY": "0c6a5b1de0f24e5b9d3e7f3a"}))
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := flask.New(nil, cfg, cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := sessions.Open(context.Background(), fromFlask(`{"user":"ada","since":{" d":"Tue, 02 Jan 2024 03:04:05 GMT"}}`))
	if err != nil {
		log.Fatal(err)
	}
	since, _ := cloakroom.Key[time.Time]("since").Get(s)
	fmt.Println(s.Get("user"), since.Year())
	// Output: ada 2024
}

// fromFlask signs a session as Flask does.
func fromFlask(json string) cloakroom.Ticket {
	signer, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("0c6a5b1de0f24e5b9d3e7f3a"),
		itsdangerous.Options{Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC})
	if err != nil {
		log.Fatal(err)
	}
	return cloakroom.Ticket(signer.DumpsRaw([]byte(json)))
}
