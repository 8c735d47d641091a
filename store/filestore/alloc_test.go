package filestore

import "testing"

func TestAllocationsOfLoad(t *testing.T) {
	s := quiet(t)
	for name, size := range map[string]int{"small": 400, "large": 100_000} {
		put(t, s, name, string(make([]byte, size)))
		got := testing.AllocsPerRun(100, func() {
			if _, err := s.Load(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		})
		if got > 4 { // 2, but that the race detector empties pools
			t.Errorf("Load of a %s record allocates %v times, want at most 4", name, got)
		}
	}
}
