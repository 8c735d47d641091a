package main

import (
	"os"
	"strings"
	"testing"
)

// The README shows this program, word for word.
func TestREADMEShowsThisProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, ok := strings.Cut(string(program), "package main")
	if !ok || !strings.Contains(string(readme), "```go\npackage main"+code+"```") {
		t.Error("the README's example is not examples/quickstart/main.go")
	}
}
