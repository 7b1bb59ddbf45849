package lambdarun_test

import (
	"strings"
	"testing"

	"gatepass/pkg/lambdarun"
)

// TestMemory: what is not on Node's heap is bounded, too, and the next event finds a
// function that works.
func TestMemory(t *testing.T) {
	for name, text := range map[string]string{
		"h.js": `exports.handler = async (e) => { const a = []; for (let i = 0; i < e.n; i++) a.push(Buffer.alloc(50 << 20, 1)); return a.length }`,
		"h.py": "def lambda_handler(e, c): return len([bytearray(50 << 20) for i in range(e['n'])])",
	} {
		t.Run(name, func(t *testing.T) {
			need(t, map[string]string{"h.js": "node", "h.py": "python3"}[name])
			t.Parallel()
			f, _ := start(t, lambdarun.Options{Handler: code(t, name, text), Memory: 256})
			want(t, invoke(f, `{"n": 2}`), "result 2")
			if got := said(invoke(f, `{"n": 40}`)); !strings.HasPrefix(got, "error ") {
				t.Errorf("2 GB of 256 MB: %s", got)
			}
			want(t, invoke(f, `{"n": 1}`), "result 1")
		})
	}
}
