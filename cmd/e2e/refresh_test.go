package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refreshes are those that the provider has seen.
type refreshes struct{ Granted, Refused int }

func (s *story) refreshes() refreshes {
	s.Helper()
	at, err := url.Parse(s.provider.Issuer)
	if err != nil {
		s.Fatal(err)
	}
	at.Path = "/refreshes"
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, at.String(), nil)
	if err != nil {
		s.Fatal(err)
	}
	_, body := s.answer(r)
	var seen refreshes
	s.object(body, &seen)
	return seen
}

// refreshToken is the one in the store, which is a file here.
func (s *story) refreshToken() string {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "home", "state", "tokens", "*.json"))
	if err != nil || len(files) != 1 {
		s.Fatalf("%v in the store (%v), want one file", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		s.Fatal(err)
	}
	var record struct {
		Secrets struct {
			Refresh string `json:"refresh_token"`
		}
	}
	if err := json.Unmarshal(data, &record); err != nil || record.Secrets.Refresh == "" {
		s.Fatalf("there is no refresh token in the store: %v", err)
	}
	return record.Secrets.Refresh
}

// expired waits until the access token in the store is no good any more.
func (s *story) expired() {
	s.Helper()
	var status struct{ ExpiresAt time.Time }
	s.object(s.ok("status", "--json"), &status)
	if status.ExpiresAt.IsZero() || time.Until(status.ExpiresAt) > patience {
		s.Fatalf("the token expires at %s", status.ExpiresAt)
	}
	time.Sleep(time.Until(status.ExpiresAt))
}

// together runs the same command in many processes at once, and returns what
// each printed when all have ended well.
func (s *story) together(n int, args ...string) []string {
	s.Helper()
	bin, err := gatepass()
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	type process struct {
		*exec.Cmd
		out, errOut bytes.Buffer
	}
	all := make([]*process, n)
	for i := range all {
		p := &process{Cmd: exec.CommandContext(ctx, bin, args...)}
		p.Dir, p.Env, p.Stdout, p.Stderr = s.dir, s.env, &p.out, &p.errOut
		if err := p.Start(); err != nil {
			s.Fatal(err)
		}
		all[i] = p
	}
	out := make([]string, n)
	for i, p := range all {
		if err := p.Wait(); err != nil || p.errOut.Len() > 0 {
			s.Errorf("process %d: %v: %s", i, err, &p.errOut)
		}
		out[i] = p.out.String()
	}
	return out
}

// TestE2EOneRefresh: fifty processes need a token at the same time, and the one
// there is has expired. The provider takes each refresh token once, and ends the
// session when one comes again: so one process refreshes, and all have the token.
func TestE2EOneRefresh(t *testing.T) {
	s := newStory(t, 10*time.Minute, "E2E_FIRST_TTL=1", "E2E_REFRESH_DELAY=1")
	s.in("ada", nil)
	used := s.refreshToken()
	s.expired()
	start := time.Now()
	tokens := s.together(50, "token")
	t.Logf("50 processes took %s", time.Since(start).Round(10*time.Millisecond))
	for i, token := range tokens {
		if token != tokens[0] || strings.Count(token, ".") != 2 {
			t.Errorf("process %d printed %q, the first one %q", i, redact(token), redact(tokens[0]))
		}
	}
	if got, want := s.refreshes(), (refreshes{Granted: 1}); got != want {
		t.Fatalf("the provider saw %+v, want %+v", got, want)
	}
	s.write("token.txt", tokens[0])
	s.ok("decode", "token.txt", "--verify", "--audience", "orders-api")

	// The session lives: once the token is a second old, this asks for a newer one.
	next := tokens[0]
	for end := time.Now().Add(patience); next == tokens[0] && time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		next = s.ok("token", "--min-ttl", "9m59s")
	}
	if got, want := s.refreshes(), (refreshes{Granted: 2}); next == tokens[0] || got != want {
		t.Fatalf("a later refresh: the provider saw %+v, want %+v", got, want)
	}

	// And it would have ended, had one of them used the refresh token again.
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"public"}, "refresh_token": {used}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.provider.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := s.answer(r); status != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
		t.Errorf("a used refresh token: %d %s", status, body)
	}
	if r := s.exits(4, "token", "--min-ttl", fmt.Sprint(24*time.Hour)); !strings.Contains(r.errOut, "has ended") {
		t.Errorf("after that: %s", r.errOut)
	}
}
