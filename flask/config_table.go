package flask

import (
	"fmt"
	"io"
)

// writeKeyTable writes the keys as a table in Markdown, for the manual.
func writeKeyTable(w io.Writer) error {
	if _, err := fmt.Fprintln(w, "| key | value | default | `null` | since | `Config` | notes |\n| --- | --- | --- | --- | --- | --- | --- |"); err != nil {
		return err
	}
	for _, k := range configKeys {
		null := k.null
		if null == "" {
			null = "refused"
		}
		if _, err := fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | `%s` | %s |\n",
			k.name, k.kind.name, k.def, null, k.since, k.field, k.note); err != nil {
			return err
		}
	}
	return nil
}
