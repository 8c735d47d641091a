package testserver

import (
	"context"
	"net/http"
	"strconv"
)

// Dynalite returns a server that speaks DynamoDB's protocol, with its data in
// LevelDB. It takes any credentials and region, and runs on Node.js.
func Dynalite() Server {
	return Server{
		Program: built("dynalite/node_modules/.bin/dynalite"),
		Install: "scripts/setup (it needs npm)",
		Args: func(p *Process) []string {
			return []string{"--host=127.0.0.1", "--port=" + strconv.Itoa(p.Port), "--path=" + p.Path("data"),
				"--createTableMs=20", "--deleteTableMs=20", "--updateTableMs=20"}
		},
		Ready: func(ctx context.Context, p *Process) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr()+"/", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		},
	}
}
