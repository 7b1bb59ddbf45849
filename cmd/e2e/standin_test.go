package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// callback is a program that waits for an answer at a redirect URI.
type callback struct {
	uri string
	got chan url.Values
}

func listenFor(t *testing.T, address string) *callback {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	c := &callback{uri: "http://" + ln.Addr().String() + "/callback", got: make(chan url.Values, 1)}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" {
			http.NotFound(w, r)
			return
		}
		_ = r.ParseForm()
		fmt.Fprint(w, "<!DOCTYPE html><title>done</title>The answer has arrived.")
		select {
		case c.got <- r.Form:
		default:
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return c
}

// TestE2EStandIn logs in at the stand-in with a real browser: its pages must work
// under their own policy, with JavaScript and without, and lead to the redirect
// URI, which browsers check too.
func TestE2EStandIn(t *testing.T) {
	need(t)
	bin, err := gatepass()
	if err != nil {
		t.Fatal(err)
	}
	four := listenFor(t, "127.0.0.1:0")
	u := newUser(t)
	u.write("users.yaml", `
users:
  - {username: ada, name: Ada Lovelace, groups: [Admins]}
  - {username: grace, password: open sesame}
clients:
  - {client_id: app, redirect_uris: ["`+four.uri+`", "http://[::1]/callback"]}
`)
	no, password := false, "open sesame"
	for _, tc := range []struct {
		name    string
		who     person
		address string // of the program; empty is the usual one
		more    string
		want    string
	}{
		{"click", person{Username: "ada"}, "", "", "code"},
		{"password", person{Username: "grace", Password: &password}, "", "", "code"},
		{"cancel", person{Do: "cancel"}, "", "", "error"},
		{"without JavaScript", person{Username: "ada", JavaScript: &no}, "", "", "code"},
		{"IPv6", person{Username: "ada"}, "[::1]:0", "", "code"},
		{"form post", person{Username: "ada"}, "", "&response_mode=form_post", "code"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			back := four
			if tc.address != "" {
				back = listenFor(t, tc.address)
			}
			var idp struct{ Issuer string }
			start(t, &idp, u.dir, u.env, bin, "idp", "--json", "--listen", "127.0.0.1:0", "--file", "users.yaml", "--redirect-uri", back.uri)
			s := browse(t, tc.who, idp.Issuer+"/auth?client_id=app&response_type=code&scope=openid+groups&state=s&code_challenge=x&code_challenge_method=S256"+
				tc.more+"&redirect_uri="+url.QueryEscape(back.uri))
			if !strings.Contains(s.Title, "OneLogin stand-in") || !strings.Contains(s.Text, "The answer has arrived.") {
				t.Errorf("saw %+v", s)
			}
			select {
			case got := <-back.got:
				if !got.Has(tc.want) || got.Get("state") != "s" {
					t.Errorf("the program got %v", got)
				}
			case <-time.After(patience):
				t.Error("the program got nothing")
			}
		})
	}
	t.Run("wrong redirect URI", func(t *testing.T) {
		var idp struct{ Issuer string }
		start(t, &idp, u.dir, u.env, bin, "idp", "--json", "--listen", "127.0.0.1:0")
		s := browse(t, person{Do: "look"}, idp.Issuer+"/auth?client_id=6f1d8c02-4b7e-4a3f-9d25-0c8e5b71a4f3100001&redirect_uri=http://127.0.0.1:1/")
		if !strings.Contains(s.Text, "redirect_uri_mismatch") || !strings.Contains(s.Text, "letter for letter") {
			t.Errorf("saw %+v", s)
		}
	})
}

// TestE2EStandInLogin is the main job against the stand-in: the binary on both
// sides, and a person's click between them.
func TestE2EStandInLogin(t *testing.T) {
	need(t)
	bin, err := gatepass()
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t)
	uri := fmt.Sprintf("http://localhost:%d/callback", freePort(t))
	var idp struct {
		Issuer  string
		Clients []struct{ ClientID string }
	}
	start(t, &idp, u.dir, u.env, bin, "idp", "--json", "--listen", "127.0.0.1:0", "--redirect-uri", uri)
	u.write("gatepass.yaml", fmt.Sprintf("version: 1\nprofiles:\n  idp: {issuer: %q, client_id: %q, redirect_uris: [%q], scopes: [openid, profile, groups]}\n",
		idp.Issuer, idp.Clients[0].ClientID, uri))
	r, saw := u.login(person{Username: "ada"}, nil)
	if r.code != 0 || !strings.HasPrefix(saw.URL, "http://localhost:") {
		t.Fatalf("exit %d; the browser saw %+v", r.code, saw)
	}
	if out := u.ok("whoami", "--json"); !strings.Contains(out, "Ada Lovelace") || !strings.Contains(out, "Admins") {
		t.Errorf("whoami: %s", out)
	}
	u.write("token.txt", u.ok("token"))
	var d decoded
	u.object(u.ok("decode", "token.txt", "--verify", "--json"), &d)
	if d.Use != "access" || d.Verified == nil || !*d.Verified || d.Claims["aud"] != idp.Clients[0].ClientID {
		t.Errorf("decode: %+v", d)
	}
	u.ok("logout")
	if r, _ := u.login(person{Do: "cancel"}, nil); r.code != 3 {
		t.Errorf("a cancelled login: exit %d", r.code)
	}
}

// TestE2ECallback is the answer of the login in a real browser in all the ways it
// may come: by https from a page that is http, and as a form that is posted.
func TestE2ECallback(t *testing.T) {
	need(t)
	bin, err := gatepass()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, scheme, mode string
	}{
		{"https", "https", "query"},
		{"form over http", "http", "form_post"},
		{"form over https", "https", "form_post"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := newUser(t)
			uri := fmt.Sprintf("%s://localhost:%d/oauth/callback", tc.scheme, freePort(t))
			var idp struct {
				Issuer  string
				Clients []struct{ ClientID string }
			}
			start(t, &idp, u.dir, u.env, bin, "idp", "--json", "--listen", "127.0.0.1:0", "--redirect-uri", uri)
			r, saw := u.login(person{Username: "ada", Proceed: true}, nil, "--issuer", idp.Issuer, "--client-id", idp.Clients[0].ClientID,
				"--redirect-uri", uri, "--response-mode", tc.mode)
			if r.code != 0 || !strings.HasPrefix(saw.URL, uri) || !strings.Contains(saw.Text, "You are logged in") {
				t.Errorf("exit %d; the browser saw %+v", r.code, saw)
			}
			if warned := strings.Contains(r.errOut, "will warn of the certificate"); warned != (tc.scheme == "https") {
				t.Errorf("warned of the certificate: %v", warned)
			}
			if inAddress := strings.Contains(saw.URL, "code="); inAddress != (tc.mode == "query") {
				t.Errorf("the address is %s", saw.URL)
			}
		})
	}
}
