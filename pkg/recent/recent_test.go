package recent_test

import (
	"fmt"
	"slices"
	"testing"

	"gatepass/pkg/recent"
)

func Example() {
	var m recent.Map[string, int]
	m.Put("a", 1)
	m.Put("b", 2)
	m.Get("a")
	fmt.Println(m.Oldest())
	// Output: b 2 true
}

// FuzzMap plays the same steps with a list that is kept in order by hand.
func FuzzMap(f *testing.F) {
	f.Add([]byte("papbpcgagbdadbdc"))
	f.Add([]byte("dagapapapbga"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		var m recent.Map[byte, int]
		var order []byte // newest last
		values := map[byte]int{}
		for i := 0; i+1 < len(steps); i += 2 {
			k := steps[i+1]
			at := slices.Index(order, k)
			switch steps[i] {
			case 'g':
				v, ok := m.Get(k)
				if ok != (at >= 0) || v != values[k] {
					t.Fatalf("step %d: got %d %v, want %d %v", i, v, ok, values[k], at >= 0)
				}
				if ok {
					order = append(slices.Delete(order, at, at+1), k)
				}
			case 'd':
				m.Delete(k)
				delete(values, k)
				if at >= 0 {
					order = slices.Delete(order, at, at+1)
				}
			default:
				m.Put(k, i)
				values[k] = i
				if at >= 0 {
					order = slices.Delete(order, at, at+1)
				}
				order = append(order, k)
			}
			k, v, ok := m.Oldest()
			if m.Len() != len(order) || ok != (len(order) > 0) || ok && (k != order[0] || v != values[k]) {
				t.Fatalf("step %d: the oldest is %q %d %v of %d, want of %q", i, k, v, ok, m.Len(), order)
			}
		}
	})
}
