package cloakroom_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
)

// visitor serves h over TLS and returns a function by which one visitor, whose
// browser keeps cookies, asks for a path and prints what comes back.
func visitor(h http.Handler) (get func(path string), leave func()) {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that the client did not need after all
	srv.StartTLS()
	client := srv.Client()
	client.Jar, _ = cookiejar.New(nil)
	return func(path string) {
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			fmt.Print(resp.StatusCode, " ")
		}
		fmt.Print(string(body))
	}, srv.Close
}
