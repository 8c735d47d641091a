package testserver

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestDynalite(t *testing.T) {
	p := Start(t, Dynalite())
	for range 2 {
		resp, err := http.Get("http://" + p.Addr() + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), "dynamodb") {
			t.Errorf("it answers %q", body)
		}
		p.Kill(t)
		p.Restart(t)
	}
}
