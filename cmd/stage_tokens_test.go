package cmd

import (
	"fmt"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

// A token that was right is remembered for a while, and no other one.
func TestTokenMemory(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	good := apigw.TokenVerdict{Key: apigw.KeyFound, Signature: true}
	m := new(tokenMemory)
	m.remember("good", good, now)
	m.remember("forged", apigw.TokenVerdict{Key: apigw.KeyFound}, now)
	m.remember("no key", apigw.TokenVerdict{Signature: true}, now)
	m.remember("made up", apigw.TokenVerdict{Key: apigw.KeyFound, Signature: true, Assumed: "made up"}, now)
	m.remember(string(make([]byte, longestToken+1)), good, now)
	for raw, want := range map[string]bool{"good": true, "forged": false, "no key": false, "made up": false, "goo": false, string(make([]byte, longestToken+1)): false} {
		if _, ok := m.recall(raw, now.Add(time.Minute)); ok != want {
			t.Errorf("%.10q: remembered %t", raw, ok)
		}
	}
	for at, want := range map[time.Duration]bool{-time.Second: false, 0: true, rememberTokenFor - 1: true, rememberTokenFor: false} {
		if _, ok := m.recall("good", now.Add(at)); ok != want {
			t.Errorf("after %s: remembered %t", at, ok)
		}
	}
	if _, ok := (*tokenMemory)(nil).recall("good", now); ok {
		t.Error("nil remembers")
	}
}

// However many tokens there are, so many are kept, and those in use stay.
func TestTokenMemoryIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	good := apigw.TokenVerdict{Key: apigw.KeyFound, Signature: true}
	m := new(tokenMemory)
	for i := range 10 * rememberTokens {
		m.remember(fmt.Sprint("token ", i), good, now)
		if i%100 == 0 {
			m.recall("token 0", now)
		}
		if n := len(m.young) + len(m.old); n > 2*rememberTokens {
			t.Fatalf("%d tokens after %d", n, i)
		}
	}
	if _, ok := m.recall("token 0", now); !ok {
		t.Error("a token in use was forgotten")
	}
	if _, ok := m.recall("token 1", now); ok {
		t.Error("the memory has no end")
	}
}
