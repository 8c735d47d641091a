package flask_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/cookiejar"
	"regexp"
	"slices"
	"testing"
)

// Two visitors do the same at random, one at a Go server and one at a real Flask
// application: both get the same answers, with the same Set-Cookie and Vary.
func TestGoAnswersAsFlask(t *testing.T) {
	for name, more := range map[string]map[string]any{
		"by default":        {},
		"not refreshed":     {"SESSION_REFRESH_EACH_REQUEST": false},
		"other attributes":  {"SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_HTTPONLY": false, "SESSION_COOKIE_NAME": "s"},
		"a shorter session": {"PERMANENT_SESSION_LIFETIME": 3600, "APPLICATION_ROOT": "/"},
	} {
		t.Run(name, func(t *testing.T) {
			more["SECRET_KEY"] = secret
			f := newFleet(t, more, nil, nil)
			jars := map[bool]*cookiejar.Jar{}
			for _, toFlask := range []bool{false, true} {
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				jars[toFlask] = jar
			}
			r := rand.New(rand.NewPCG(seed(t), 0))
			for round := range 200 {
				steps := randomRequest(r)
				answer := map[bool]string{}
				for toFlask, jar := range jars {
					f.client.Jar = jar
					did, header := f.doHeader(t, toFlask, steps...)
					answer[toFlask] = fmt.Sprintf("%q %v %q %q", did.Saw, did.Permanent, header["Vary"], varying.ReplaceAllString(fmt.Sprint(header["Set-Cookie"]), "$1…"))
				}
				if answer[false] != answer[true] {
					t.Fatalf("round %d, %+v:\nGo    answers %s\nFlask answers %s", round, steps, answer[false], answer[true])
				}
			}
		})
	}
}

// varying are the parts of Set-Cookie that are not the same twice.
var varying = regexp.MustCompile(`(Expires=|\[s(?:ession)?=)[^;]+`)

// randomRequest returns what a request does, which may be several things or
// nothing. Flash messages that it flashes it does not read itself: that leaves
// nothing to save in Go, but is a change to Flask.
func randomRequest(r *rand.Rand) []step {
	steps := []step{}
	for range r.IntN(4) {
		steps = append(steps, randomSteps(r, true)...)
	}
	has := func(op string) bool { return slices.ContainsFunc(steps, func(s step) bool { return s.Op == op }) }
	if has("flash") && has("flashes") {
		return randomRequest(r)
	}
	return steps
}
