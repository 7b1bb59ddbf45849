package source

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Positions is Pos for many nodes of one document at once: where each Pos reads
// the document from its start, this reads it once.
func Positions(nodes []*Node) []Position {
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(nodes[a].offset, nodes[b].offset) })
	out := make([]Position, len(nodes))
	at, pos := 0, Position{Line: 1, Column: 1}
	for _, i := range order {
		n := nodes[i]
		if n.file != nodes[order[0]].file {
			out[i] = n.Pos()
			continue
		}
		end := min(n.offset, len(n.file.data))
		for at < end {
			if n.file.data[at] == '\n' {
				pos = Position{Line: pos.Line + 1, Column: 1}
			} else if utf8.RuneStart(n.file.data[at]) {
				pos.Column++
			}
			at++
		}
		out[i] = pos
	}
	return out
}
