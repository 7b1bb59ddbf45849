package login_test

import (
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

// How the user is to be authenticated is asked for, and taken only confirmed.
func TestAssurance(t *testing.T) {
	const gold = "urn:example:gold"
	for name, tc := range map[string]struct {
		change  func(*login.Config)
		offered []string // acr_values_supported
		claims  map[string]any
		asked   map[string]string
		refused string
	}{
		"nothing asked":      {asked: map[string]string{"acr_values": "", "prompt": "", "max_age": ""}},
		"acr confirmed":      {change: func(c *login.Config) { c.ACRValues = "urn:example:silver " + gold }, claims: map[string]any{"acr": gold}, asked: map[string]string{"acr_values": "urn:example:silver " + gold}},
		"acr missing":        {change: func(c *login.Config) { c.ACRValues = gold }, refused: "says nothing of it"},
		"lower acr":          {change: func(c *login.Config) { c.ACRValues = gold }, claims: map[string]any{"acr": "0\x1b[2J"}, refused: `says "0\\x1b[2J"`},
		"part of an acr":     {change: func(c *login.Config) { c.ACRValues = gold }, claims: map[string]any{"acr": "urn:example"}, refused: "did not confirm"},
		"acr list":           {change: func(c *login.Config) { c.ACRValues = gold }, claims: map[string]any{"acr": []string{"x", gold}}, refused: "did not confirm"},
		"OneLogin's reauth":  {change: func(c *login.Config) { c.Reauth = true }, offered: []string{login.ReauthACR}, claims: map[string]any{"acr": login.ReauthACR}, asked: map[string]string{"acr_values": login.ReauthACR, "max_age": ""}},
		"reauth not done":    {change: func(c *login.Config) { c.Reauth = true }, offered: []string{login.ReauthACR}, refused: "did not confirm the authentication"},
		"reauth by max_age":  {change: func(c *login.Config) { c.Reauth = true }, claims: map[string]any{"auth_time": time.Now().Unix()}, asked: map[string]string{"acr_values": "", "max_age": "0", "prompt": "login"}},
		"old authentication": {change: func(c *login.Config) { c.Reauth = true }, claims: map[string]any{"auth_time": time.Now().Add(-time.Hour).Unix()}, refused: "authenticated anew"},
		"no auth_time":       {change: func(c *login.Config) { c.Reauth = true }, refused: "authenticated anew"},
		"auth_time is text":  {change: func(c *login.Config) { c.Reauth = true }, claims: map[string]any{"auth_time": "now"}, refused: "authenticated anew"},
		"the right user":     {change: func(c *login.Config) { c.Subject = "35666371" }},
		"another user":       {change: func(c *login.Config) { c.Subject = "35666372" }, refused: `login of the user "35666371", and the profile expects "35666372"`},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.discovery = func(doc map[string]any) { doc["acr_values_supported"] = tc.offered }
			i.id = func(claims map[string]any) {
				for n, v := range tc.claims {
					claims[n] = v
				}
			}
			cfg := i.config()
			if tc.change != nil {
				tc.change(&cfg)
			}
			b := newBrowser()
			set, _, err := login.Login(t.Context(), cfg, login.UI{Open: b.open})
			status, body, _ := b.page()
			for n, want := range tc.asked {
				if got := i.auth.Get(n); got != want {
					t.Errorf("%s is %q, want %q", n, got, want)
				}
			}
			if tc.refused == "" {
				if err != nil || status != 200 {
					t.Errorf("status %d: %v", status, err)
				}
				return
			}
			want(t, err, fault.Denied, tc.refused)
			if status != 400 || strings.Contains(body, "You are logged in") || !set.Access.IsZero() {
				t.Errorf("status %d, tokens %v", status, !set.Access.IsZero())
			}
		})
	}
}

func TestEndSession(t *testing.T) {
	i := newIssuer(t)
	_, err := login.EndSession(t.Context(), i.config())
	want(t, err, fault.Failed, "no page that ends a session")
	for address, text := range map[string]string{
		"file:///etc/passwd":         "end_session_endpoint",
		"http://acme.example/logout": "loopback",
		"javascript:alert(1)":        "end_session_endpoint",
		"https://a:b@acme.example/":  "user name",
	} {
		i.discovery = func(doc map[string]any) { doc["end_session_endpoint"] = address }
		_, err := login.EndSession(t.Context(), i.config())
		want(t, err, fault.Network, text)
	}
	i.discovery = func(doc map[string]any) { doc["end_session_endpoint"] = i.url + "/logout?x=$(id)" }
	if got, err := login.EndSession(t.Context(), i.config()); err != nil || got != i.url+"/logout?x=$(id)" {
		t.Errorf("%s, %v", got, err)
	}
}
