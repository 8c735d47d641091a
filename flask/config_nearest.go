package flask

import (
	"slices"
	"strings"
)

// nearestKey returns the key that name, which is none, was probably meant to
// be; or "" if none is near.
func nearestKey(name string) string {
	names := make([]string, len(configKeys))
	for i, k := range configKeys {
		names[i] = k.name
	}
	return nearest(name, names)
}

// nearest compares without case and underscores: SESSION_COOKIE_SAME_SITE is
// SESSION_COOKIE_SAMESITE. A name that begins or ends with the other is near
// whatever its length: SESSION_REDIS_URL, SESSION_SECRET_KEY. So is one that has
// all its words and a few more: SESSION_SECURE, SESSION_PERMANENT_LIFETIME.
func nearest(name string, names []string) string {
	if len(name) > 100 {
		return "" // nobody's typing error, and the comparison is quadratic
	}
	a, best, least, common := squeeze(name), "", max(2, len(name)/3)+1, 0
	for _, candidate := range names {
		b := squeeze(candidate)
		d := distance(a, b)
		if len(a) > 3 && (strings.HasPrefix(a, b) || strings.HasSuffix(a, b) || strings.HasSuffix(b, a)) {
			d = min(d, 2)
		}
		if more, ok := wordsMissing(name, candidate); ok {
			d = min(d, 1+more)
		}
		shared := commonPrefix(a, b)
		if d < least || d == least && best != "" && shared > common {
			best, least, common = candidate, d, shared
		}
	}
	return best
}

// wordsMissing returns how many words name lacks of candidate's, if it has no
// others. SESSION goes without saying.
func wordsMissing(name, candidate string) (n int, ok bool) {
	words := func(s string) []string {
		return slices.DeleteFunc(strings.Split(strings.ToUpper(s), "_"), func(w string) bool { return w == "" || w == "SESSION" })
	}
	given, all := words(name), words(candidate)
	for _, w := range given {
		i := slices.Index(all, w)
		if i < 0 {
			return 0, false
		}
		all = slices.Delete(all, i, i+1)
	}
	return len(all), len(given) > 0
}

func squeeze(name string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, name))
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := above[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = slices.Min([]int{above[j+1] + 1, row[j] + 1, replace})
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
