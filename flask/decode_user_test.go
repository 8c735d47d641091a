package flask_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// usersRecord is a user's record with one session, and the time in MessagePack.
func usersRecord(user, at string) string {
	return "\x82\xa4user" + string([]byte{0xa0 + byte(len(user))}) + user +
		"\xa8sessions\x93\xd9\x2b" + strings.Repeat("x", 43) + "\xa0" + at
}

// A user's record is told from sessions, and shows the handles of his sessions
// where the file has its key, never their IDs.
func TestInspectUsersRecord(t *testing.T) {
	dir := t.TempDir()
	files, err := filestore.New(dir, filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	m, err := cloakroom.New(files, cloakroom.Options{PlainIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Login("ada")
	ticket, err := m.Commit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for e, err := range files.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if cloakroom.IsUserKey(e.Key) {
			records = append(records, e.Record.Data)
		}
	}
	seen := 0
	check := func(data []byte, kind, handle string) {
		in, err := flask.Inspect(data, flask.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(in.JSON), string(ticket)) {
			t.Errorf("a %s shows the ID of a session", in.Kind)
		}
		if in.Format != "user" {
			return
		}
		seen++
		if text := string(in.JSON); in.Kind != kind || !strings.HasPrefix(text, "{\n  \"$user\": \"ada\",\n  \"$sessions\": [\n    {\n      "+handle+"\"listed\": \"20") {
			t.Errorf("a %s shows %s", in.Kind, text)
		}
	}
	for _, file := range allFiles(t, dir) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), "cloakrm") {
			check(text, "file of store/filestore", `"handle": "`+s.Handle()+"\",\n      ")
		}
	}
	check(records[0], "record", "")
	if seen != 2 {
		t.Errorf("%d users' records were recognized, want that of the file and that without one", seen)
	}
	for name, data := range map[string]string{
		"a session of that form": strings.ReplaceAll(usersRecord("ada", "\x07"), strings.Repeat("x", 43), strings.Repeat("é", 21)+"x"),
		"half an entry":          strings.TrimSuffix(strings.Replace(usersRecord("ada", "\x07"), "\x93", "\x92", 1), "\x07"),
		"a time that is none":    usersRecord("ada", "\xc0"),
		"another value":          "\x83\xa1a\x01" + usersRecord("ada", "\x07")[1:],
	} {
		if in, err := flask.Inspect([]byte(data), flask.Config{}); err != nil || in.Format != "msgpack" {
			t.Errorf("%s: %+v, %v, want a session", name, in, err)
		}
	}

	// In a file the key decides.
	if _, err := files.Save(t.Context(), "session:"+strings.Repeat("y", 43), store.Record{}, store.Record{
		Data: []byte(usersRecord("eve", "\x07")), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, file := range allFiles(t, dir) {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "eve") {
			if in, err := flask.Inspect(text, flask.Config{}); err != nil || in.Format != "msgpack" {
				t.Errorf("a session whose values look like a user's record: %+v, %v", in, err)
			}
		}
	}
}
