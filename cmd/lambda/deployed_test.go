package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/function"
	"gatepass/pkg/lambdarun"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// deployed is the built function behind the local Runtime API, with files in its zip.
func deployed(t *testing.T, files, env map[string]string) *lambdarun.Function {
	t.Helper()
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	built = true
	root := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env["LAMBDA_TASK_ROOT"] = root
	f, err := lambdarun.New(lambdarun.Options{Handler: path, Env: env, Name: "authorizer", Getenv: os.Getenv, Concurrency: 1, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// local is the same authorizer in this process, as gatepass gateway runs it.
func local(t *testing.T, files map[string]string) *function.Function {
	t.Helper()
	n, err := source.YAML("authorizer.yaml", []byte(files["authorizer.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	file, err := authorizer.Load(n)
	if err != nil {
		t.Fatal(err)
	}
	set, err := verify.ParseKeySet("keys.json", []byte(files["keys.json"]))
	if err != nil {
		t.Fatal(err)
	}
	return function.New(file, function.Options{
		Verifier: func(e authorizer.Expectation) function.Verifier {
			return verify.NewVerifier(token.Expect{Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Use: e.Use, Leeway: e.Leeway}, set, 0)
		},
		Refused: verify.IsRefused,
	})
}

// The deployed function, run through the Runtime API, makes every kind of API answer
// as the one in this process does: status, headers, body, and what the backend sees.
func TestDeployedIsLocal(t *testing.T) {
	const issuer = "https://acme.onelogin.com/oidc/2"
	files := map[string]string{"authorizer.yaml": authorizerFile(issuer), "keys.json": jwks("k1")}
	here := local(t, files)
	there := map[bool]*lambdarun.Function{
		false: deployed(t, files, map[string]string{"GATEPASS_JWKS": "keys.json"}),
		true:  deployed(t, files, map[string]string{"GATEPASS_JWKS": "keys.json", "GATEPASS_SIMPLE": "1"}),
	}
	now := time.Now()
	good := accessToken(t, issuer, "42", "k1", now)
	for name, api := range map[string]*apigw.API{
		"REST, TOKEN":        {Kind: apigw.REST, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthToken}}},
		"REST, REQUEST":      {Kind: apigw.REST, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, IdentitySources: []string{"method.request.header.Authorization"}}}},
		"HTTP, payload 1.0":  {Kind: apigw.HTTP, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, PayloadFormat: "1.0"}}},
		"HTTP, payload 2.0":  {Kind: apigw.HTTP, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, PayloadFormat: "2.0"}}},
		"HTTP, simple":       {Kind: apigw.HTTP, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, PayloadFormat: "2.0", SimpleResponses: true}}},
		"WebSocket, connect": {Kind: apigw.WebSocket, Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, IdentitySources: []string{"route.request.header.Authorization"}}}},
	} {
		api.Region, api.Account, api.ID, api.Stage = "eu-west-1", "123456789012", "abc123", "prod"
		if err := api.Prepare(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, req := range map[string]apigw.Request{
			"allowed":   {Method: "GET", Path: "/users/42/orders", Header: bearer(good)},
			"denied":    {Method: "GET", Path: "/users/43/orders", Header: bearer(good)},
			"refused":   {Method: "GET", Path: "/", Header: bearer(good[:len(good)-8] + "AAAAAAAA")},
			"no scheme": {Method: "GET", Path: "/", Header: map[string][]string{"Authorization": {good}}},
			"no token":  {Method: "GET", Path: "/"},
		} {
			req.Time, req.SourceIP, req.ID, req.NoTrace = now, "203.0.113.9", "r1", true
			simple := api.Default.Authorizer.SimpleResponses
			want := apigw.Decide(api, &req, nil, func(ev apigw.Event) apigw.Output {
				out, _ := here.Invoke(t.Context(), ev, now)
				return out
			})
			got := apigw.Decide(api, &req, nil, func(ev apigw.Event) apigw.Output {
				data, err := ev.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				return there[simple].Invoke(context.Background(), data)
			})
			if got.Status != want.Status || got.Allowed != want.Allowed || got.Body != want.Body {
				t.Errorf("%s, %s: deployed %d %s, here %d %s; %s", name, what, got.Status, got.Body, want.Status, want.Body, got.Reason)
			}
			if d := cmp.Diff(seen(want.Backend), seen(got.Backend)); d != "" {
				t.Errorf("%s, %s: the backend sees something else: %s", name, what, d)
			}
			if wantStatus := map[string]bool{"allowed": true}[what] || api.Kind == apigw.WebSocket && what == "denied"; got.Allowed != wantStatus {
				t.Errorf("%s, %s: allowed %t; %s", name, what, got.Allowed, got.Reason)
			}
		}
	}
}

func bearer(raw string) map[string][]string {
	return map[string][]string{"Authorization": {"Bearer " + raw}, "User-Agent": {strings.Repeat("agent ", 2)}}
}

// seen is what the backend sees.
func seen(b *apigw.Backend) []any {
	if b == nil {
		return nil
	}
	return []any{b.At, b.Value}
}
