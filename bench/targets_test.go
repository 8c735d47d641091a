package bench

import "testing"

// TestTargets shows for each library, store and size that the pages do what
// they are timed for: what one request wrote the next one reads.
func TestTargets(t *testing.T) {
	for _, target := range targets() {
		if target.only != "" {
			continue
		}
		for _, size := range sizes {
			if target.holds(size) {
				t.Run(target.store+"/"+target.lib+"/"+size.name, func(t *testing.T) { testTarget(t, target, size) })
			}
		}
	}
}

func testTarget(t *testing.T, target target, size size) {
	app, cookie := begin(t, target, size)
	get := func(p page, want string) {
		t.Helper()
		c := app.client(p, cookie)
		c.do()
		if got := string(c.answer()); got != want {
			t.Fatalf("%s: got %q, want %q", p, got, want)
		}
		if c.cookie() != "" {
			cookie = c.cookie()
		}
	}
	get(pageUntouched, "yes")
	get(pageRead, "yes")
	get(pageVisits, "1")
	get(pageWrite, "yes")
	get(pageVisits, "2")
	get(pageWrite, "yes")
	get(pageVisits, "3")
	get(pageRead, "yes")
	get(pageItems, "yes")

	cookie = "" // a benchmark that lost its session would fail
	get(pageRead, "no")
	get(pageVisits, "0")
}

// TestClientLoadsAgain shows that a client that asks again and again has the
// session loaded each time, rather than once: it sees what another wrote. (A
// session in a cookie cannot be written by another.)
func TestClientLoadsAgain(t *testing.T) {
	for _, target := range targets() {
		if target.only != "" || target.store == "cookie" {
			continue
		}
		t.Run(target.store+"/"+target.lib, func(t *testing.T) {
			app, cookie := begin(t, target, small)
			reader, writer := app.client(pageVisits, cookie), app.client(pageWrite, cookie)
			for _, want := range []string{"1", "2", "3"} {
				reader.do()
				if got := string(reader.answer()); got != want {
					t.Fatalf("got %s visits, want %s", got, want)
				}
				writer.do()
			}
		})
	}
}

// TestBare shows that the frameworks without sessions answer as the others do.
func TestBare(t *testing.T) {
	for _, target := range bareTargets() {
		c := target.open(t, small).client(target.only, "")
		c.do()
		if got := string(c.answer()); got != "yes" {
			t.Errorf("%s: got %q, want yes", target.lib, got)
		}
	}
}
