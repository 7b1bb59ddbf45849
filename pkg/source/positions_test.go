package source_test

import (
	"testing"

	"gatepass/pkg/source"
)

func TestPositionsAtOnce(t *testing.T) {
	n, err := source.JSON("a", []byte("{\"é\": [1,\n  \"ü\", 2],\r\n \"b\": {}}"))
	if err != nil {
		t.Fatal(err)
	}
	list := n.Get("é")
	nodes := []*source.Node{n.Get("b"), list, list.Items[2], n, list.Items[1], list.Items[0]}
	for i, got := range source.Positions(nodes) {
		if want := nodes[i].Pos(); got != want {
			t.Errorf("node %d is at %v, want %v", i, got, want)
		}
	}
	if got := source.Positions(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
