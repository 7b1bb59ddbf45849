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
			f, _ := start(t, lambdarun.Options{Handler: code(t, name, text), Memory: 128})
			want(t, invoke(f, `{"n": 2}`), "result 2")
			if got := said(invoke(f, `{"n": 40}`)); !strings.HasPrefix(got, "error ") {
				t.Errorf("2 GB of 128 MB: %s", got)
			}
			want(t, invoke(f, `{"n": 1}`), "result 1")
		})
	}
}

// TestManyThreads: what threads reserve is not what they use, and Lambda counts that.
func TestManyThreads(t *testing.T) {
	for name, text := range map[string]string{
		"h.js": `const fs = require('fs').promises
exports.handler = async () => { await Promise.all(Array.from({ length: 200 }, () => fs.stat('.'))); return Buffer.alloc(50 << 20, 1).length }`,
		"h.py": `import threading
def lambda_handler(e, c):
  end = threading.Event()
  all = [threading.Thread(target=end.wait) for _ in range(100)]
  for t in all: t.start()
  n = len(bytearray(50 << 20))
  end.set()
  return n`,
	} {
		t.Run(name, func(t *testing.T) {
			need(t, map[string]string{"h.js": "node", "h.py": "python3"}[name])
			t.Parallel()
			f, _ := start(t, lambdarun.Options{Handler: code(t, name, text), Memory: 128, Env: map[string]string{"UV_THREADPOOL_SIZE": "128"}})
			want(t, invoke(f, `{}`), "result 52428800")
		})
	}
}
