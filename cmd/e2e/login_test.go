package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const authorizerFile = `
version: 1
tokens:
  - issuer: %s
    audience: [orders-api]
    use: access
principal: ${jwt:sub}
context: {groups: "${jwt:groups}"}
policy:
  Version: "2012-10-17"
  Statement:
    - Sid: StaffReads
      Effect: Allow
      Resource: ["GET /orders", "GET /orders/*"]
      Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Staff]}}
    - Sid: AdminsDoEverything
      Effect: Allow
      Resource: "* /*"
      Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Admins]}}
`

const projectFile = `
version: 1
default: api
profiles:
  api:
    issuer: %[1]s
    client_id: public
    client_auth: none
    redirect_uris: [%[2]s]
    scopes: [openid, profile, groups, orders]
    resource: %[3]s
    api: {url: "http://127.0.0.1:%[4]d/prod"}
    authorizer: authorizer.yaml
  post:
    issuer: %[1]s
    client_id: poster
    client_auth: post
    redirect_uris: [%[2]s]
    scopes: [openid, profile, groups]
  basic:
    issuer: %[1]s
    client_id: basic
    client_auth: basic
    redirect_uris: [%[2]s]
    scopes: [openid, profile, groups]
  wrong-uri:
    issuer: %[1]s
    client_id: public
    redirect_uris: ["http://127.0.0.1:%[5]d/other"]
    scopes: [openid]
  program:
    issuer: %[1]s
    client_id: program
    client_auth: post
    scopes: [orders]
    resource: %[3]s
`

// story is a user with a project, a provider and a gateway.
type story struct {
	*user
	provider    provider
	gatewayPort int
}

// newStory starts a provider with what is in its environment, see server.mjs.
func newStory(t *testing.T, accessTTL time.Duration, env ...string) *story {
	t.Helper()
	need(t)
	redirectURI := fmt.Sprintf("http://127.0.0.1:%d/callback", freePort(t))
	s := &story{newUser(t), startProvider(t, redirectURI, accessTTL, env...), freePort(t)}
	s.write("gatepass.yaml", fmt.Sprintf(projectFile, s.provider.Issuer, redirectURI, s.provider.Resource, s.gatewayPort, freePort(t)))
	s.write("authorizer.yaml", fmt.Sprintf(authorizerFile, s.provider.Issuer))
	return s
}

// sub is the same story in a subtest.
func (s *story) sub(t *testing.T) *story { return &story{s.as(t), s.provider, s.gatewayPort} }

func (s *story) person(username string) person {
	return person{Username: username, Password: &s.provider.Password}
}

// in logs somebody in and wants it to succeed.
func (s *story) in(username string, env []string, args ...string) {
	s.Helper()
	r, saw := s.login(s.person(username), env, args...)
	if r.code != 0 {
		s.Fatalf("login: exit %d", r.code)
	}
	if saw.Title == "" || !strings.HasPrefix(saw.URL, "http://127.0.0.1:") || strings.Contains(saw.Text, "failed") {
		s.Errorf("the browser saw %+v", saw)
	}
	s.Logf("the browser ends with: %s", strings.ReplaceAll(saw.Text, "\n", " | "))
}

// gateway runs "gatepass gateway" in the project until the test ends.
func (s *story) gateway() {
	s.Helper()
	bin, err := gatepass()
	if err != nil {
		s.Fatal(err)
	}
	var ready struct{ URL string }
	start(s.T, &ready, s.dir, s.env, bin, "gateway", "--json", "--listen", fmt.Sprintf("127.0.0.1:%d", s.gatewayPort))
}

// decoded is "gatepass decode --json".
type decoded struct {
	Kind, Use string
	Verified  *bool
	Claims    map[string]any
}

func (u *user) object(text string, v any) {
	u.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		u.Fatalf("%v: %s", err, text)
	}
}

// TestE2EStory is the main job against a certified provider: log in, decode,
// authorize, call; and the same refused.
func TestE2EStory(t *testing.T) {
	s := newStory(t, 10*time.Minute)
	s.exits(4, "call", "/orders")
	s.in("ada", nil)

	access := strings.TrimSpace(s.ok("token"))
	s.write("token.txt", access)
	var d decoded
	s.object(s.ok("decode", "token.txt", "--verify", "--audience", "orders-api", "--json"), &d)
	if d.Kind != "jwt" || d.Verified == nil || !*d.Verified || d.Claims["iss"] != s.provider.Issuer || d.Claims["sub"] != "35666371" {
		t.Errorf("decode: %+v", d)
	}
	s.exits(5, "decode", "token.txt", "--verify", "--audience", "another-api")
	s.write("forged.txt", access[:len(access)-8]+"AAAAAAAA")
	s.exits(5, "decode", "forged.txt", "--verify", "--audience", "orders-api")

	s.ok("authorize", "GET", "/orders")
	s.ok("authorize", "DELETE", "/orders/7")

	s.gateway()
	if out := s.ok("call", "/orders", "-q", "status=open"); !strings.Contains(out, "35666371") || !strings.Contains(out, "Admins") {
		t.Errorf("the backend was not told who calls: %s", out)
	}
	s.ok("call", "DELETE", "/orders/7")
	s.exits(3, "call", "/orders", "--no-token")
	s.exits(3, "call", "/orders", "--token", "@forged.txt")

	// The same as somebody who may less. --force: the provider asks again.
	s.in("grace", nil, "--force")
	s.ok("authorize", "GET", "/orders")
	if r := s.exits(3, "authorize", "DELETE", "/orders/7"); !strings.Contains(r.out, "AdminsDoEverything") {
		t.Errorf("no reason given: %s", r.out)
	}
	s.ok("call", "/orders")
	s.exits(3, "call", "DELETE", "/orders/7")

	t.Run("refused logins keep the tokens", func(t *testing.T) {
		s := s.sub(t)
		for name, who := range map[string]person{"cancelled": {Do: "cancel"}, "not assigned": s.person("linus")} {
			r, saw := s.login(who, nil, "--force")
			if r.code != 3 || !strings.Contains(r.errOut, "access_denied") && !strings.Contains(r.errOut, "refused") {
				t.Errorf("%s: exit %d: %s", name, r.code, r.errOut)
			}
			t.Logf("%s: the browser ends with: %s", name, strings.ReplaceAll(saw.Text, "\n", " | "))
			if out := s.ok("status", "--json"); !strings.Contains(out, `"subject": "35666372"`) {
				t.Errorf("%s: status %s", name, out)
			}
		}
	})
	s.ok("logout")
	s.exits(4, "status")
	s.exits(4, "call", "/orders")
	s.exits(4, "token")
}

// TestE2ERefresh: a token that has ended is renewed, and the refresh token with it.
func TestE2ERefresh(t *testing.T) {
	const life = 2 * time.Second
	s := newStory(t, life)
	s.in("ada", nil)
	tokens := map[string]bool{}
	for range 3 {
		time.Sleep(life)
		tokens[s.ok("token")] = true
	}
	if len(tokens) != 3 {
		t.Errorf("%d tokens in three goes: they were not renewed", len(tokens))
	}
	s.write("token.txt", s.ok("token"))
	s.ok("decode", "token.txt", "--verify", "--audience", "orders-api", "--leeway", "1m")
}

// TestE2EClients logs in with clients that have a secret, without a resource:
// their access tokens are opaque and good for userinfo.
func TestE2EClients(t *testing.T) {
	s := newStory(t, 10*time.Minute)
	right := "GATEPASS_CLIENT_SECRET=" + s.provider.Secret
	for _, profile := range []string{"post", "basic"} {
		t.Run(profile, func(t *testing.T) {
			s := s.sub(t)
			r, _ := s.login(s.person("ada"), []string{"GATEPASS_CLIENT_SECRET=wrong"}, "--profile", profile)
			if r.code == 0 || !strings.Contains(r.errOut, "invalid_client") {
				t.Errorf("with a wrong secret: exit %d: %s", r.code, r.errOut)
			}
			s.in("ada", []string{right}, "--profile", profile)
			out := s.run([]string{right}, "whoami", "--profile", profile, "--json")
			if out.code != 0 || !strings.Contains(out.out, "Ada Lovelace") || !strings.Contains(out.out, "Admins") {
				t.Errorf("whoami: exit %d: %s", out.code, out.out)
			}
			opaque := s.run([]string{right}, "token", "--profile", profile)
			s.write("token.txt", opaque.out)
			var d decoded
			s.object(s.ok("decode", "token.txt", "--json"), &d)
			if d.Kind != "opaque" {
				t.Errorf("decode: %+v", d)
			}
			id := s.run([]string{right}, "token", "--profile", profile, "--type", "id")
			s.write("id.txt", id.out)
			s.object(s.ok("decode", "id.txt", "--verify", "--profile", profile, "--json"), &d)
			if d.Use != "id" || d.Verified == nil || !*d.Verified || fmt.Sprint(d.Claims["groups"]) != "[Admins Staff]" {
				t.Errorf("decode: %+v", d)
			}
			if r := s.run([]string{right}, "logout", "--profile", profile); r.code != 0 {
				t.Errorf("logout: exit %d", r.code)
			}
		})
	}
	t.Run("program", func(t *testing.T) {
		s := s.sub(t)
		if r := s.run([]string{right}, "login", "--client-credentials", "--profile", "program"); r.code != 0 {
			t.Fatalf("exit %d: %s", r.code, r.errOut)
		}
		token := s.run([]string{right}, "token", "--profile", "program")
		s.write("token.txt", token.out)
		var d decoded
		s.object(s.ok("decode", "token.txt", "--verify", "--audience", "orders-api", "--json"), &d)
		if d.Verified == nil || !*d.Verified || d.Claims["client_id"] != "program" {
			t.Errorf("decode: %+v", d)
		}
	})
}

// TestE2EWrongRedirectURI: the provider shows the error and sends nobody back, so
// the login ends with its time limit and says what may be wrong.
func TestE2EWrongRedirectURI(t *testing.T) {
	s := newStory(t, 10*time.Minute)
	r, saw := s.login(person{Do: "look"}, nil, "--profile", "wrong-uri", "--timeout", "10s")
	if r.code != 6 && r.code != 3 {
		t.Errorf("exit %d: %s", r.code, r.errOut)
	}
	if !strings.Contains(saw.Text, "redirect_uri") {
		t.Errorf("the browser saw %+v", saw)
	}
}

// TestE2EGatewayBodies: what a program without gatepass gets from the gateway.
func TestE2EGatewayBodies(t *testing.T) {
	s := newStory(t, 10*time.Minute)
	s.in("grace", nil)
	s.gateway()
	header := strings.TrimSpace(s.ok("token", "--format", "header"))
	name, value, _ := strings.Cut(header, ": ")
	for _, tc := range []struct {
		method, token string
		status        int
		body          string
	}{
		{http.MethodGet, value, http.StatusOK, ""},
		{http.MethodDelete, value, http.StatusForbidden, "is not authorized to access this resource"},
		{http.MethodGet, "", http.StatusUnauthorized, `{"message":"Unauthorized"}`},
		{http.MethodGet, value + "x", http.StatusUnauthorized, `{"message":"Unauthorized"}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, fmt.Sprintf("http://127.0.0.1:%d/prod/orders", s.gatewayPort), nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.token != "" {
			r.Header.Set(name, tc.token)
		}
		status, body := s.answer(r)
		if status != tc.status || !strings.Contains(body, tc.body) {
			t.Errorf("%s with %d characters of token: %d %s, want %d %s", tc.method, len(tc.token), status, body, tc.status, tc.body)
		}
	}
}
