package cloakroom

import (
	"net/http"
	"strings"

	"github.com/cloakroom/cloakroom/internal/useragent"
)

// DescribeBrowser tells the browser and the system of a request in words that
// its user recognises in a list of devices, "Firefox on Windows" or "Safari on
// iPhone", or names the program that sent it, "curl". It returns printable ASCII, at most 64
// bytes, and "" where the request tells nothing. A client may send what it likes:
// what it calls itself is cut to a word of 24 letters, digits, hyphens and
// underscores.
//
// It goes by User-Agent and by the client hints that Chrome, Edge and their
// kin send with every HTTPS request (Sec-CH-UA, Sec-CH-UA-Mobile and
// Sec-CH-UA-Platform). Windows 11 is called Windows unless the site asks for one
// more, by "Accept-CH: Sec-CH-UA-Platform-Version" in the answers of its login page.
//
// An Options.Describe of one's own can add to it:
//
//	Describe: func(r *http.Request) string {
//		return cloakroom.DescribeBrowser(r) + ", " + network(r)
//	}
func DescribeBrowser(r *http.Request) string {
	return useragent.Describe(r.Header.Get("User-Agent"), useragent.Hints{
		Brands:          r.Header.Get("Sec-Ch-Ua"),
		Platform:        r.Header.Get("Sec-Ch-Ua-Platform"),
		Mobile:          r.Header.Get("Sec-Ch-Ua-Mobile"),
		PlatformVersion: r.Header.Get("Sec-Ch-Ua-Platform-Version"),
	})
}

// maxDescription bounds what each login adds to its record.
const maxDescription = 200

// shortDescription returns describe, or DescribeBrowser, within what
// Options.Describe promises.
func shortDescription(describe func(*http.Request) string) func(*http.Request) string {
	if describe == nil {
		return DescribeBrowser
	}
	return func(r *http.Request) string {
		text := describe(r)
		return strings.ToValidUTF8(text[:min(len(text), maxDescription)], "") // nor half a character at the end
	}
}
