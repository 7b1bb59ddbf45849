package main

import (
	"context"
	"io"
	"testing"
)

// BenchmarkInvoke is a whole invocation for a token that was seen before, but for what
// the Runtime API takes: reading the event, deciding, writing the log.
func BenchmarkInvoke(b *testing.B) {
	issuer := newIssuer(b)
	f := started(b, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, nil)
	f.log.w = io.Discard
	for _, name := range []string{"token", "request", "http2"} {
		event := sample(b, name, accessToken(b, issuer.URL, "42", "k1", f.clock()))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Invoke(context.Background(), event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
