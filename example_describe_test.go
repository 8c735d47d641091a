package cloakroom_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/cloakroom/cloakroom"
)

// An address helps to tell two browsers apart, but it is personal data, and says little
// where many visitors share one. An application that wants it adds it.
func ExampleDescribeBrowser() {
	r := httptest.NewRequest("POST", "/login", nil)
	r.RemoteAddr = "192.0.2.7:41234"
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	fmt.Println(cloakroom.DescribeBrowser(r))
	fmt.Println(cloakroom.DescribeBrowser(r) + " at " + r.RemoteAddr)
	// Output:
	// Firefox on Linux
	// Firefox on Linux at 192.0.2.7:41234
}
