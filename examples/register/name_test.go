package register

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	tests := []struct{ what, typed, name, problem string }{
		{"a name", "Ada", "Ada", ""},
		{"blanks around it", " \tAda Lovelace\n", "Ada Lovelace", ""},
		{"HTML", "<b>Ada</b>", "<b>Ada</b>", ""},
		{"another script", "عادة", "عادة", ""},
		{"a family in one sign", "👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧", ""},
		{"as long as can be", strings.Repeat("ä", 40), strings.Repeat("ä", 40), ""},
		{"nothing", "", "", "Please type a name."},
		{"blanks", " \u00a0 ", "", "Please type a name."},
		{"nothing to be seen", "\u200d\u200b", "", "Please type a name that can be seen."},
		{"too long", strings.Repeat("ä", 41), "", "Please use at most 40 characters; this name has 41."},
		{"a line break", "Ada\nEve", "", "Please leave out line breaks and invisible control characters."},
		{"a terminal's escape", "Ada\x1b[2J", "", "Please leave out line breaks and invisible control characters."},
		{"text turned around", "Ada\u202eevE", "", "Please leave out line breaks and invisible control characters."},
		{"a line separator", "Ada\u2028Eve", "", "Please leave out line breaks and invisible control characters."},
		{"no UTF-8", "Ada\xff", "", "Please leave out line breaks and invisible control characters."},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			name, problem := cleanName(tt.typed)
			if name != tt.name || problem != tt.problem {
				t.Errorf("%q, %q, want %q, %q", name, problem, tt.name, tt.problem)
			}
		})
	}
}

func TestRefusedNameStaysInTheForm(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	typed := "Ada\u202eevE"
	a := v.post("/add", "username", typed)
	a.want(t, 422, "Register", "")
	if got, want := a.problem(), "Please leave out line breaks and invisible control characters."; got != want {
		t.Errorf("problem %q, want %q", got, want)
	}
	if !strings.Contains(a.Body, `value="`+typed+`"`) || !strings.Contains(a.Body, `aria-describedby="username-help username-problem"`) {
		t.Errorf("the form forgot the name or does not point at the problem:\n%s", a.Body)
	}
	if v.cookies() != 0 {
		t.Error("a refused name has set a cookie")
	}
}

// What is no text does not come back as it came.
func TestNameThatIsNoUTF8ComesBackAsText(t *testing.T) {
	a := serve(t, Config{Store: newMemory(t)}).visitor().post("/add", "username", "Ada\xff<\xc3(")
	a.want(t, 422, "Register", "")
	if !utf8.ValidString(a.Body) || !strings.Contains(a.Body, "value=\"Ada\ufffd&lt;\ufffd(\"") {
		t.Errorf("the page is not UTF-8, or has forgotten the name:\n%q", a.Body)
	}
}

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "one minute", 90 * time.Second: "90 seconds", 30 * time.Minute: "30 minutes",
		time.Hour: "one hour", 24 * time.Hour: "24 hours", 31 * 24 * time.Hour: "31 days", 36 * time.Hour: "36 hours", time.Second: "one second", 1500 * time.Millisecond: "1.5s",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
