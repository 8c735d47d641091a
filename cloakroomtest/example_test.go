package cloakroomtest_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// The application under test: visitors log in, out, and are greeted.

const user = cloakroom.Key[string]("user")

func greet(w http.ResponseWriter, r *http.Request) {
	if name, ok := user.Get(cloakroom.From(r)); ok {
		fmt.Fprintf(w, "Hello, %s.", name)
		return
	}
	fmt.Fprint(w, "Please log in.")
}

func login(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	s.Regenerate()
	user.Set(s, r.FormValue("name"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	cloakroom.From(r).Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// application returns the application with the Manager of its sessions.
func application(opts cloakroom.Options) (*cloakroom.Manager, http.Handler) {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), opts)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", greet)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /logout", logout)
	return sessions, sessions.Handler(mux)
}

// A Browser on the application's handler is the quickest way to test what
// visitors see, and works with the clock of testing/synctest: an idle timeout
// takes no time.
func ExampleNewBrowser() {
	_, app := application(cloakroom.Options{})

	ada, eve := cloakroomtest.NewBrowser(app), cloakroomtest.NewBrowser(app)
	fmt.Println(ada.Get("/").Body)
	fmt.Println(ada.PostForm("/login", url.Values{"name": {"Ada"}}).Body) // follows the redirect
	fmt.Println(ada.Get("/").Body)
	fmt.Println(eve.Get("/").Body)
	// Output:
	// Please log in.
	// Hello, Ada.
	// Hello, Ada.
	// Please log in.
}

// A Browser on a server is for what only a server does: early hints, upgraded
// connections, timeouts, HTTP/2.
func ExampleNewBrowserOn() {
	_, app := application(cloakroom.Options{})
	srv := httptest.NewUnstartedServer(app)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()

	b := cloakroomtest.NewBrowserOn(srv)
	resp := b.PostForm("/login", url.Values{"name": {"Ada"}})
	fmt.Println(resp.Proto, resp.Body)
	// Output: HTTP/2.0 Hello, Ada.
}

// NoRedirects is for a look at the redirect itself.
func ExampleBrowser_noRedirects() {
	_, app := application(cloakroom.Options{})
	b := cloakroomtest.NewBrowser(app)
	b.NoRedirects = true

	resp := b.PostForm("/login", url.Values{"name": {"Ada"}})
	fmt.Println(resp.StatusCode, resp.Header.Get("Location"))
	// Output: 303 /
}

// URL moves the Browser to another address. Without TLS it neither keeps nor
// sends Secure cookies, as every browser does, so that this login is forgotten
// at once.
func ExampleBrowser_plainHTTP() {
	_, app := application(cloakroom.Options{Logger: quiet})
	b := cloakroomtest.NewBrowser(app)
	b.URL = "http://example.com"

	fmt.Println(b.PostForm("/login", url.Values{"name": {"Ada"}}).Body)
	// Output: Please log in.
}

// Do sends requests with a method or with headers of their own.
func ExampleBrowser_Do() {
	_, app := application(cloakroom.Options{})
	guarded := http.NewCrossOriginProtection().Handler(app)

	r := httptest.NewRequest("POST", "/login?name=Eve", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp := cloakroomtest.NewBrowser(guarded).Do(r)
	fmt.Println(resp.StatusCode)
	// Output: 403
}

// Cookies tells what the visitor holds.
func ExampleBrowser_Cookies() {
	_, app := application(cloakroom.Options{})
	b := cloakroomtest.NewBrowser(app)
	for _, path := range []string{"/login", "/logout"} {
		b.PostForm(path, nil)
		fmt.Println(path)
		for _, c := range b.Cookies("/") {
			fmt.Println("-", c.Name)
		}
	}
	// Output:
	// /login
	// - __Host-session
	// /logout
}

// Client gives answers that go on for ever, of which Get would wait for the
// end.
func ExampleBrowser_Client() {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "data: 1")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()

	b := cloakroomtest.NewBrowserOn(srv)
	resp, err := b.Client().Get(b.URL + "/events")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	line := make([]byte, len("data: 1"))
	io.ReadFull(resp.Body, line)
	fmt.Printf("%s\n", line)
	// Output: data: 1
}

// Session looks into the session that the visitor has by now. A login has to
// change its handle, which names the ID.
func ExampleBrowser_Session() {
	sessions, app := application(cloakroom.Options{})
	b := cloakroomtest.NewBrowser(app)

	b.PostForm("/login", url.Values{"name": {"Ada"}})
	first := b.Session(sessions)
	b.PostForm("/login", url.Values{"name": {"Grace"}})
	second := b.Session(sessions)
	fmt.Println(first.Get("user"), second.Get("user"), first.Handle() == second.Handle())
	// Output: Ada Grace false
}

// SessionOf does the same for an answer that no Browser got.
func ExampleSessionOf() {
	sessions, app := application(cloakroom.Options{})

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "https://example.com/login?name=Ada", nil))
	s := cloakroomtest.SessionOf(sessions, w.Result())
	fmt.Println(s.Get("user"))
	// Output: Ada
}

// A handler alone, without Manager and store.
func ExampleWithSession() {
	r := httptest.NewRequest("GET", "/", nil)
	r = cloakroomtest.WithSession(r, map[string]any{"user": "Ada"})
	w := httptest.NewRecorder()
	greet(w, r)
	fmt.Println(w.Body)
	// Output: Hello, Ada.
}

// What the handler did to the session can be seen in it afterwards.
func ExampleWithSession_afterwards() {
	r := httptest.NewRequest("POST", "/login?name=Ada", nil)
	r = cloakroomtest.WithSession(r, nil)
	login(httptest.NewRecorder(), r)

	s := cloakroom.From(r)
	fmt.Println(s.Modified(), s.Get("user"))
	// Output: true Ada
}
