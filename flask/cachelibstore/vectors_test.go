package cachelibstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/store"
)

// vectors is testdata/cachelib_files.json: what Flask-Session 0.8.0 with
// cachelib 0.15.4 wrote and answered (0.3.2 with 0.9.0 does the same).
type vectors struct {
	Sessions    []vectorSession
	Directories []vectorDirectory
	Behaviour   []vectorBehaviour
}

type vectorSession struct {
	Name, Key string
	File      vectorFile
}

type vectorDirectory struct {
	Name   string
	Config struct {
		Prefix    *string  `json:"SESSION_KEY_PREFIX"`
		Mode      int      `json:"SESSION_FILE_MODE"`
		Lifetime  *float64 `json:"PERMANENT_SESSION_LIFETIME"`
		Threshold *int     `json:"SESSION_FILE_THRESHOLD"`
	}
	SID   string
	Files []vectorFile
	Steps []vectorStep
	Error any
}

type vectorFile struct {
	Name, Mode string
	Expiry     uint32 `json:"expiry_le"`
	Content    []byte
}

type vectorStep struct {
	Saved        string
	Lifetime, At int64
	Present      []string
	Count        int64 `json:"count_file"`
}

type vectorBehaviour struct {
	Name     string
	Content  []byte
	Now      float64
	Returned struct{ T string }
}

// vectorNow is when the vectors were made.
var vectorNow = time.Unix(1704164645, 0)

const vectorSID = "kP3xTq0aYVw8n2bUe5rJm7LzC1dHs9GfXoQiR4tEyWA"

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/cachelib_files.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Sessions) < 50 || len(v.Directories) < 15 || len(v.Behaviour) < 10 {
		t.Fatalf("only %d, %d, %d vectors", len(v.Sessions), len(v.Directories), len(v.Behaviour))
	}
	return v
}

// native turns the little-endian header of a vector into this machine's.
func native(file []byte) []byte {
	if len(file) < headerSize {
		return file
	}
	return append(binary.NativeEndian.AppendUint32(nil, binary.LittleEndian.Uint32(file)), file[headerSize:]...)
}

func TestSessionsThatPythonWrote(t *testing.T) {
	for _, v := range readVectors(t).Sessions {
		if v.File.Content == nil {
			continue // too long for the vectors, or not written
		}
		t.Run(v.Name, func(t *testing.T) {
			s := quiet(t)
			path := s.path(v.File.Name)
			if err := os.WriteFile(path, native(v.File.Content), 0o600); err != nil {
				t.Fatal(err)
			}
			expires := time.Unix(int64(v.File.Expiry), 0)
			r := wants(t, s, v.Key, string(v.File.Content[headerSize:]))
			if !r.Expires.Equal(expires) {
				t.Errorf("expiry %v, want %v", r.Expires, expires)
			}
			if err := s.Delete(t.Context(), v.Key); err != nil {
				t.Errorf("Delete = %v, want nil", err)
			}
			put(t, s, v.Key, string(r.Data), expires)
			if got, err := os.ReadFile(path); err != nil || string(got) != string(native(v.File.Content)) {
				t.Errorf("written back: %x, %v, want %x", got, err, v.File.Content)
			}
		})
	}
}

// dictOf is the pickle of the dictionary {name: n}.
func dictOf(t testing.TB, name string, n int64) string {
	t.Helper()
	d := new(pickle.Dict)
	err := d.Set(name, n)
	b, appendErr := pickle.Append(nil, d, pickle.HighestProtocol)
	if err := errors.Join(err, appendErr); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameFiles checks that a directory looks exactly as Python left it.
func sameFiles(t *testing.T, dir string, want []vectorFile) {
	t.Helper()
	if got := fileNames(t, dir); len(got) != len(want) {
		t.Errorf("files %q, want %d", got, len(want))
	}
	for _, w := range want {
		path := filepath.Join(dir, w.Name)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(native(w.Content)) {
			t.Errorf("file %s is %x, %v, want %x", w.Name, got, err, w.Content)
			continue
		}
		if fi, err := os.Stat(path); err != nil || fmt.Sprintf("%#o", fi.Mode().Perm()) != strings.Replace(w.Mode, "0o", "0", 1) {
			t.Errorf("file %s has mode %v, %v, want %s", w.Name, fi.Mode(), err, w.Mode)
		}
	}
}

// TestDirectoriesLikePythons does what Flask-Session did and looks whether the
// same directory comes of it.
func TestDirectoriesLikePythons(t *testing.T) {
	all := map[string]vectorDirectory{}
	for _, d := range readVectors(t).Directories {
		all[d.Name] = d
	}
	take := func(name string) vectorDirectory {
		d := all[name]
		delete(all, name)
		return d
	}

	s := quiet(t)
	far := vectorNow.Add(31 * 24 * time.Hour)
	sameFiles(t, s.dir, take("after_init").Files)
	put(t, s, "session:"+vectorSID, dictOf(t, "a", 1), far)
	sameFiles(t, s.dir, take("one_session").Files)
	second := put(t, s, "session:second", dictOf(t, "b", 2), far)
	sameFiles(t, s.dir, take("two_sessions").Files)
	_, err := s.Save(t.Context(), "session:second", second, store.Record{Data: []byte(dictOf(t, "b", 3)), Expires: far})
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	sameFiles(t, s.dir, take("second_rewritten").Files)
	if err := s.Delete(t.Context(), "session:second"); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	sameFiles(t, s.dir, take("second_deleted").Files)

	// Ours differ on purpose: a negative lifetime stores nothing, the count
	// file is no session, a fraction of a second is rounded up, after 2106
	// comes never.
	for _, name := range []string{"lifetime_negative", "sid_empty_prefix_mgmt", "lifetime_1_5s", "lifetime_90_years"} {
		take(name)
	}
	for name, d := range all {
		if d.Steps != nil {
			continue
		}
		t.Run(name, func(t *testing.T) { oneSession(t, d) })
		delete(all, name)
	}
	for name, d := range all {
		t.Run(name, func(t *testing.T) { steps(t, d) })
		delete(all, name)
	}
}

// oneSession saves a session under another configuration. What CheckKey
// refuses is written by name.
func oneSession(t *testing.T, d vectorDirectory) {
	c, prefix, expires := d.Config, "session:", vectorNow.Add(31*24*time.Hour)
	opts := Options{Unsynced: true, Mode: fs.FileMode(c.Mode)}
	if c.Prefix != nil {
		prefix = *c.Prefix
	}
	if c.Threshold != nil && *c.Threshold == 0 {
		opts.Threshold = -1
	}
	if c.Lifetime != nil {
		expires = vectorNow.Add(time.Duration(*c.Lifetime * float64(time.Second)))
		if *c.Lifetime == 0 {
			expires = time.Time{} // as cachelib has it
		}
	}
	s := at(t, filepath.Join(t.TempDir(), "sessions"), opts, vectorNow)
	key := prefix + d.SID
	if store.CheckKey(key) != nil {
		if got := nameOf(key); got != d.Files[1].Name {
			t.Errorf("name %s, want %s", got, d.Files[1].Name)
		}
		return
	}
	put(t, s, key, dictOf(t, "a", 1), expires)
	sameFiles(t, s.dir, d.Files)
}

// steps saves one session after the other, as cachelib with its pruning.
func steps(t *testing.T, d vectorDirectory) {
	now := vectorNow
	s := quiet(t)
	s.now = func() time.Time { return now }
	s.threshold, s.opts.DropLive = *d.Config.Threshold, true
	names := map[string]string{}
	for i, step := range d.Steps {
		now = time.Unix(step.At, 0)
		names[nameOf("session:"+step.Saved)] = step.Saved
		put(t, s, "session:"+step.Saved, dictOf(t, "i", int64(i)), now.Add(time.Duration(step.Lifetime)*time.Second))
		var present []string
		for _, name := range fileNames(t, s.dir) {
			if name != countFile {
				present = append(present, names[name])
			}
		}
		if slices.Sort(present); !slices.Equal(present, step.Present) {
			t.Errorf("after %s: %q, want %q", step.Saved, present, step.Present)
		}
		counts(t, s, step.Count)
	}
}

// TestBehaviour loads what cachelib was given to get. Payloads are the codec's
// to judge: what is no pickle is None there and data here.
func TestBehaviour(t *testing.T) {
	payloads := []string{"header_only", "garbage_payload", "truncated_pickle", "json_payload"}
	for _, v := range readVectors(t).Behaviour {
		t.Run(v.Name, func(t *testing.T) {
			sec, frac := math.Modf(v.Now)
			s := at(t, t.TempDir(), Options{}, time.Unix(int64(sec), int64(frac*1e9)))
			const key = "session:" + vectorSID
			if err := os.WriteFile(s.path(nameOf(key)), native(v.Content), 0o600); err != nil {
				t.Fatal(err)
			}
			if v.Returned.T == "none" && !slices.Contains(payloads, v.Name) {
				missing(t, s, key)
			} else if r := wants(t, s, key, string(v.Content[headerSize:])); r.Data == nil {
				t.Error("Data is nil in a record that exists")
			}
			if _, err := os.Stat(s.path(nameOf(key))); err != nil {
				t.Errorf("the file is gone: %v", err)
			}
		})
	}
}

func TestFilesTooShortForARecordStayUntilWrittenOver(t *testing.T) {
	for _, content := range []string{"", "\x01\x02", "\x01\x00\x00"} {
		s := quiet(t)
		path := s.path(nameOf("k"))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.countAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Touch(t.Context(), "k", store.Record{}, time.Time{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Touch = %v, want ErrNotFound", err)
		}
		if n, err := s.DeleteExpired(t.Context(), 10); n != 0 || err != nil {
			t.Errorf("DeleteExpired = %d, %v, want 0", n, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("the file is %q, %v, want %q", got, err, content)
		}
		put(t, s, "k", "v", time.Time{})
		wants(t, s, "k", "v")
		counts(t, s, 1)
	}
}

func TestExpiryIsRoundedUp(t *testing.T) {
	at := func(sec, nsec int64) time.Time { return time.Unix(sec, nsec) }
	for name, c := range map[string]struct {
		t    time.Time
		want expiry
	}{
		"never":               {time.Time{}, 0},
		"whole second":        {at(1704164645, 0), 1704164645},
		"a fraction":          {at(1704164645, 1), 1704164646},
		"almost a second":     {at(1704164645, 999999999), 1704164646},
		"2038":                {at(1<<31, 0), 1 << 31},
		"the last":            {at(math.MaxUint32, 0), math.MaxUint32},
		"just after the last": {at(math.MaxUint32, 1), 0},
		"year 9999":           {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 0},
		"the epoch":           {at(0, 0), 1},
		"before it":           {at(-1, 0), 1},
		"year 1":              {time.Time{}.Add(1), 1},
	} {
		if got := expiryOf(c.t); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestExpiriesBeyond2106ComeBackAsNever(t *testing.T) {
	s := quiet(t)
	r := put(t, s, "k", "v", time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC))
	if loaded := wants(t, s, "k", "v"); !r.Expires.IsZero() || !loaded.Expires.IsZero() {
		t.Errorf("expiries %v and %v, want never", r.Expires, loaded.Expires)
	}
	put(t, s, "k38", "v", time.Unix(1<<31, 0))
	if r := wants(t, s, "k38", "v"); r.Expires.Unix() != 1<<31 {
		t.Errorf("expiry %v, want that of 2038", r.Expires)
	}
}

func FuzzParse(f *testing.F) {
	v := readVectors(f)
	for _, b := range v.Behaviour {
		f.Add(b.Content, int64(b.Now))
	}
	for _, s := range v.Sessions[:5] {
		f.Add(s.File.Content, vectorNow.Unix())
	}
	f.Fuzz(func(t *testing.T, file []byte, now int64) {
		e, data, ok := parse(file)
		if ok != (len(file) >= headerSize) {
			t.Fatalf("parse of %d bytes = %v", len(file), ok)
		}
		if !ok {
			return
		}
		if got := append(e.append(nil), data...); data == nil || string(got) != string(file) {
			t.Errorf("written again: %x, want %x", got, file)
		}
		if got := expiryOf(e.time()); got != e {
			t.Errorf("expiry %d became %d", e, got)
		}
		// As in cachelib: 0, or at least the time.
		if got, want := e.live(time.Unix(now, 0)), e == 0 || int64(e) >= now; now > math.MinInt64/2 && now < math.MaxInt64/2 && got != want {
			t.Errorf("live = %v, want %v", got, want)
		}
	})
}

func FuzzParseCount(f *testing.F) {
	for _, d := range readVectors(f).Directories {
		for _, file := range d.Files {
			f.Add(file.Content)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		n := parseCount(file)
		again, err := pickle.Append([]byte("head"), n, pickle.HighestProtocol)
		if err != nil || parseCount(again) != n {
			t.Errorf("count %d became %d, %v", n, parseCount(again), err)
		}
	})
}

func TestCountFileThatIsNone(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "short": "ab", "no pickle": "\x00\x00\x00\x00garbage", "a session": "\x00\x00\x00\x00" + dictOf(t, "a", 1),
	} {
		s := quiet(t)
		if err := os.WriteFile(s.path(countFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		put(t, s, "k", "v", time.Time{})
		if counts(t, s, 1); t.Failed() {
			t.Fatal(name)
		}
	}
}
