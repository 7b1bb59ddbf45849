package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzInvoke: whatever is sent, without a token that was signed nobody gets an answer
// with a policy: it ends with Unauthorized or a failure, and the log stays one JSON
// object a line.
func FuzzInvoke(f *testing.F) {
	issuer := newIssuer(f)
	b := started(f, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL), "keys.json": jwks("k1")}, map[string]string{"GATEPASS_JWKS": "keys.json"})
	forged := accessToken(f, issuer.URL, "42", "k1", b.clock())
	forged = forged[:strings.LastIndexByte(forged, '.')+1] + "AAAA"
	for _, name := range []string{"token", "request", "http1", "http2", "connect"} {
		f.Add(sample(f, name, forged))
		f.Add(sample(f, name, ""))
	}
	f.Add([]byte(`{"type":"TOKEN","methodArn":"arn:aws:execute-api:::/","authorizationToken":"Bearer a.b.c"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, event []byte) {
		b.out.Reset()
		out, err := b.Invoke(t.Context(), event)
		if err == nil || out != nil || err.Error() != "Unauthorized" && !strings.HasPrefix(err.Error(), "the authorizer failed: ") {
			t.Fatalf("answer %s, error %v", out, err)
		}
		for l := range strings.Lines(b.out.String()) {
			if !json.Valid([]byte(l)) || !strings.HasSuffix(l, "}\n") {
				t.Errorf("the log has %q", l)
			}
		}
	})
}
