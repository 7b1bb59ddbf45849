package cmd

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// oneKey is a key set with one key.
func oneKey(kid string, n *big.Int) string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":%q,"use":"sig","n":%q,"e":"AQAB"}]}`, kid, base64.RawURLEncoding.EncodeToString(n.Bytes()))
}

// A token that was right once is not right for ever: its times are looked at on each
// request, and its keys again when they change.
func TestGatewayRemembersNoMoreThanTheSignature(t *testing.T) {
	i := newTestIssuer(t)
	x := newWorld(t, map[string]string{
		"api.yaml":  "kind: http\nstage: $default\nauthorizers: {users: {type: jwt, issuer: " + i.URL + ", audience: [app]}}\nroutes: {GET /x: users}\n",
		"keys.json": oneKey("k1", testKey().N),
	})
	var later atomic.Int64
	x.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	s, _ := x.start("--jwks", x.path("keys.json"))
	long := "Bearer " + i.token(t, nil)
	short := "Bearer " + i.token(t, map[string]any{"exp": time.Now().Add(time.Minute).Unix()})
	forged := long[:len(long)-20] + strings.Repeat("A", 20)
	for _, step := range []struct {
		at            time.Duration
		token         string
		want          int
		what, explain string
	}{
		{0, long, 200, "fresh", ""}, {0, long, 200, "seen before", ""}, {0, forged, 401, "forged", ""}, {0, forged, 401, "forged again", ""},
		{0, short, 200, "short-lived", ""}, {50 * time.Second, short, 200, "still good", ""}, {62 * time.Second, short, 401, "expired, and seen before", "expired"},
		{62 * time.Second, long, 200, "the other one", ""}, {10 * time.Minute, long, 200, "after the memory's time", ""},
		{-time.Hour, long, 401, "before it was issued", ""},
	} {
		later.Store(int64(step.at))
		if got, _ := status(t, s.URL+"/x", step.token); got != step.want {
			t.Errorf("%s: %d, want %d; log %s", step.what, got, step.want, x.errs)
		}
		if !strings.Contains(x.errs.String(), step.explain) {
			t.Errorf("%s: the log does not say %q: %s", step.what, step.explain, x.errs)
		}
	}
	later.Store(0)
	if got, _ := status(t, s.URL+"/x", long); got != http.StatusOK {
		t.Fatalf("%d", got)
	}
	x.write("keys.json", oneKey("k2", new(big.Int).Add(testKey().N, big.NewInt(2))))
	eventually(t, "the key is withdrawn", func() bool {
		got, _ := status(t, s.URL+"/x", long)
		return got == http.StatusUnauthorized
	})
}
