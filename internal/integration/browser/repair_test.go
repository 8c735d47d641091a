package browser

import (
	"os"
	"path/filepath"
	"testing"
)

// TestStoreFailsAndIsRepaired takes the directory of the sessions away, as a
// lost volume does, and brings it back.
func TestStoreFailsAndIsRepaired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	d := startDemo(t, "--store", "file:"+dir, "--idle", "30m") // however slow the machine is
	for _, s := range []screen{phone, desktop} {
		t.Run(s.name+" pixels", func(t *testing.T) {
			b := openTab(t, s, true)
			b.expect("503")
			b.register(d.url, "Ada")

			if err := os.Rename(dir, dir+".away"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, []byte("no directory"), 0o600); err != nil {
				t.Fatal(err)
			}
			b.reload()
			b.wantText(heading, "The cloakroom is closed for a moment")
			b.checkLayout()
			b.shoot("unavailable")
			d.expectLog(t, "level=ERROR", "advice=")

			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(dir+".away", dir); err != nil {
				t.Fatal(err)
			}
			b.click(".actions a")
			b.wantText(heading, "Hello, Ada.")
		})
	}
}
