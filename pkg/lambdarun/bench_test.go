package lambdarun_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/lambdarun"
)

const tokenEvent = `{"type":"TOKEN","authorizationToken":"allow","methodArn":"arn:aws:execute-api:us-east-1:123456789012:local/prod/GET/pets"}`

// bench invokes a warm function, one event after another.
func bench(b *testing.B, handler string) {
	b.Helper()
	f, _ := start(b, lambdarun.Options{Handler: handler})
	event := []byte(tokenEvent)
	if o := f.Invoke(context.Background(), event); o.Kind != apigw.Returned {
		b.Fatal(said(o))
	}
	for b.Loop() {
		if o := f.Invoke(context.Background(), event); o.Kind != apigw.Returned {
			b.Fatal(said(o))
		}
	}
}

func BenchmarkNode(b *testing.B) {
	need(b, "node")
	bench(b, filepath.Join("testdata", "handlers", "simple.js"))
}

func BenchmarkPython(b *testing.B) {
	need(b, "python3")
	bench(b, filepath.Join("testdata", "handlers", "simple.py"))
}

func BenchmarkBootstrap(b *testing.B) {
	need(b, "go")
	bench(b, bootstrap(b))
}

// BenchmarkNodeByRuntimeAPI is the same handler behind a Runtime API client in Node.
func BenchmarkNodeByRuntimeAPI(b *testing.B) {
	need(b, "node")
	bench(b, nodeBootstrap(b, filepath.Join("testdata", "handlers", "simple.js")))
}

// BenchmarkNodePipe is what cannot be gone below: a line to Node and a line back.
func BenchmarkNodePipe(b *testing.B) {
	need(b, "node")
	c := exec.Command("node", code(b, "echo.js", `process.stdin.on('data', (d) => process.stdout.write(d))`))
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for b.Loop() {
		if _, err := io.WriteString(in, tokenEvent+"\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := lines.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
	_ = in.Close()
	_ = c.Wait()
}

// nodeBootstrap is a script that asks for its events itself and hands them to a
// handler in Node with a callback.
func nodeBootstrap(t testing.TB, handler string) string {
	t.Helper()
	abs, err := filepath.Abs(handler)
	if err != nil {
		t.Fatal(err)
	}
	file := code(t, "bootstrap", `#!/usr/bin/env node
const http = require('http');
const { handler } = require(process.env.HANDLER_FILE || '`+abs+`');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ask = (method, path, body) => new Promise((ok, no) => {
  const req = http.request({ host, port, agent, method, path: '/2018-06-01/runtime/invocation/' + path }, (res) => {
    const parts = [];
    res.on('data', (d) => parts.push(d)).on('end', () => ok({ id: res.headers['lambda-runtime-aws-request-id'], text: Buffer.concat(parts).toString() }));
  }).on('error', no);
  req.end(body);
});
(async () => {
  for (;;) {
    const { id, text } = await ask('GET', 'next');
    await new Promise((ok) => handler(JSON.parse(text), {}, (err, result) =>
      ok(err ? ask('POST', id + '/error', JSON.stringify({ errorMessage: String(err), errorType: 'string' })) : ask('POST', id + '/response', JSON.stringify(result)))));
  }
})();
`)
	if err := os.Chmod(file, 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestScriptAsBootstrap: an executable may be a script.
func TestScriptAsBootstrap(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: nodeBootstrap(t, filepath.Join("testdata", "handlers", "simple.js"))})
	if o := invoke(f, tokenEvent); o.Kind != apigw.Returned {
		t.Error(said(o))
	}
	want(t, invoke(f, `{"authorizationToken":"unauthorized"}`), "error Unauthorized")
}
