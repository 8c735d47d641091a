package taggedjson

import (
	"bytes"
	"testing"
	"time"
)

// An oddDate is a date in a form that Flask would not write, and what Flask
// reads: seconds since 1970, or none.
type oddDate struct {
	text    string
	seconds int64
}

func (d oddDate) value() any {
	if d.seconds == noDate {
		return nil
	}
	return time.Unix(d.seconds, 0).UTC()
}

const noDate = -1

var oddDates = []oddDate{
	{"", noDate},
	{" ", noDate},
	{"yesterday", noDate},
	{"Thu, 29 Feb 2024 12:34:56 GMT", 1709210096},
	{"thu, 29 feb 2024 12:34:56 gmt", 1709210096},
	{"Thu, 29 Feb 2023 12:34:56 GMT", noDate},
	{"29 Feb 2024 12:34:56 GMT", 1709210096},
	{"Thu,29 Feb 2024 12:34:56 GMT", 1709210096},
	{"Thu 29 Feb 2024 12:34:56 GMT", 1709210096},
	{"Wrong, 29 Feb 2024 12:34:56 GMT", 1709210096},
	{"Feb 29 2024 12:34:56 GMT", 1709210096},
	{"Feb 29, 2024 12:34:56 GMT", 1709210096},
	{"29 February 2024 12:34", 1709210040},
	{"29 Feb 2024 12.34.56 EST", 1709228096},
	{"29 Feb 2024", noDate},
	{"Tue Jan  2 03:04:05 2024", 1704164645},
	{"Tue Jan  2 03:04:05 2024 PDT", 1704189845},
	{"Tuesday, 02-Jan-24 03:04:05 GMT", 1704164645},
	{"Tue, 02 Jan 2024 03:04:05 +0530", 1704144845},
	{"Tue, 02 Jan 2024 03:04:05+0530", 1704144845},
	{"Tue, 02 Jan 2024 03:04:05 -0000", 1704164645},
	{"Tue, 02 Jan 2024 03:04:05 -0800", 1704193445},
	{"Tue, 02 Jan 2024 03:04:05 +2400", noDate},
	{"Tue, 02 Jan 2024 03:04:05 +2399", noDate},
	{"Tue, 02 Jan 2024 03:04:05 0100", 1704161045},
	{"Tue, 02 Jan 2024 03:04:05 CEST", 1704164645},
	{"Tue, 02 Jan 2024 03:04:05 GMT (comment)", 1704164645},
	{"Tue, 02 Jan 68 03:04:05 GMT", 3092699045},
	{"Tue, 02 Jan 69 03:04:05 GMT", -31438555},
	{"Tue, 02 Jan 99 03:04:05 GMT", 915246245},
	{"Tue, 02 Jan 100 03:04:05 GMT", -59011361755},
	{"Mon, 01 Jan 0001 00:00:00 GMT", 978307200},
	{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
	{"Fri, 31 Dec 10000 23:59:59 GMT", noDate},
	{"Tue, 02 Jan 2024 24:00:00 GMT", noDate},
	{"Tue, 02 Jan 2024 22:60:00 GMT", noDate},
	{"Tue, 02 Jan 2024 12:00:60 GMT", noDate},
	{"Tue, 00 Jan 2024 23:59:59 GMT", noDate},
	{"Tue, 32 Jan 2024 23:59:59 GMT", noDate},
	{"Tue, 02 Jon 2024 23:59:59 GMT", noDate},
	{"2024-01-02T03:04:05Z", noDate},
	{"2024-01-02 03:04:05", noDate},
	{"02-Jan-2024 03:04:05", noDate},
	{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
	{"Sun Nov  6 08:49:37 1994", 784111777},
	{"1 Jan 2024 GMT 03:04:05", noDate},
	{"Tue, 02 Jan GMT 03:04:05 2024", 1704164645},
}

// dateRecord returns a record with a date, whatever its text.
func dateRecord(t *testing.T, date string) []byte {
	text, err := Codec.Marshal(nil, map[string]any{"k": map[string]any{" d": date, "x": 1}})
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(text, []byte(`,"x":1`), nil, 1)
}

func TestOddDates(t *testing.T) {
	for _, tt := range oddDates {
		got, err := load(dateRecord(t, tt.text))
		if want := map[string]any{"k": tt.value()}; err != nil || show(got) != show(want) {
			t.Errorf("%q: got %s and error %v, want %s", tt.text, show(got), err, show(want))
		}
	}
}
