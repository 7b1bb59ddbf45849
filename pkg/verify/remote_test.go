package verify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/fault"
	"gatepass/pkg/verify"
)

// provider is an issuer whose keys can be changed, and that counts requests.
type provider struct {
	*httptest.Server
	keys     atomic.Value // string
	down     atomic.Bool
	requests atomic.Int32 // for keys
	clock    atomic.Int64 // seconds since start
	notes    []string
}

func newProvider(t *testing.T, ids ...string) *provider {
	t.Helper()
	p := &provider{}
	p.setKeys(ids...)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case p.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "/certs"):
			p.requests.Add(1)
			_, _ = io.WriteString(w, p.keys.Load().(string))
		default:
			_, _ = io.WriteString(w, strings.ReplaceAll(discoveryDocument, "ISSUER", p.URL))
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) setKeys(ids ...string) {
	var list []string
	for _, id := range ids {
		list = append(list, mark(rsaJWK(rsaKey(), ""), fmt.Sprintf(`"kid":%q`, id)))
	}
	p.keys.Store(`{"keys":[` + strings.Join(list, ",") + `]}`)
}

func (p *provider) options(dir string) verify.Options {
	return verify.Options{
		CacheDir: dir,
		Now:      func() time.Time { return start.Add(time.Duration(p.clock.Load()) * time.Second) },
		Note:     func(s string) { p.notes = append(p.notes, s) },
	}
}

func (p *provider) pass(d time.Duration) { p.clock.Add(int64(d / time.Second)) }

// wants asks for keys and compares how many requests that took in all.
func (p *provider) wants(t *testing.T, r *verify.Remote, id string, has bool, requests int32) {
	t.Helper()
	set, err := r.KeySet(t.Context(), id)
	if err != nil {
		t.Fatalf("key %s: %v", id, err)
	}
	found := false
	for _, k := range set.Keys {
		found = found || k.ID == id
	}
	if found != has || p.requests.Load() != requests {
		t.Errorf("key %s: there %v, want %v; %d requests, want %d", id, found, has, p.requests.Load(), requests)
	}
}

// Keys are asked for once, again when a token names one that is not known, but
// not more often than once in an interval, and again when they are old.
func TestRemoteRefetches(t *testing.T) {
	p := newProvider(t, "k1")
	r := verify.FromIssuer(p.URL, p.options(""))
	p.wants(t, r, "k1", true, 1)
	p.wants(t, r, "k1", true, 1)
	p.wants(t, r, "", false, 1)
	p.wants(t, r, "k2", false, 1) // just asked
	p.setKeys("k1", "k2")
	p.pass(time.Minute)
	p.wants(t, r, "k2", true, 2)
	p.wants(t, r, "k3", false, 2)
	p.pass(time.Minute)
	p.wants(t, r, "k3", false, 3)
	p.wants(t, r, "k4", false, 3)
	p.setKeys("k2")
	p.pass(time.Hour)
	p.wants(t, r, "k1", false, 4)
}

func TestRemoteSurvivesAnOutage(t *testing.T) {
	p := newProvider(t, "k1")
	r := verify.FromIssuer(p.URL, p.options(""))
	p.down.Store(true)
	for range 2 {
		if _, err := r.KeySet(t.Context(), "k1"); kind(err) != fault.Network || !strings.Contains(err.Error(), "503") {
			t.Fatalf("%v", err)
		}
	}
	p.down.Store(false)
	if _, err := r.KeySet(t.Context(), "k1"); err == nil {
		t.Error("asked again within the interval")
	}
	p.pass(time.Minute)
	p.wants(t, r, "k1", true, 1)
	p.down.Store(true)
	p.pass(2 * time.Hour)
	p.wants(t, r, "k1", true, 1)
	if len(p.notes) != 1 || !strings.Contains(p.notes[0], "keys of 2026-03-01T12:01:00Z are used") {
		t.Errorf("notes %q", p.notes)
	}
}

// A caller that gives up says nothing about the issuer.
func TestRemoteCancelled(t *testing.T) {
	p := newProvider(t, "k1")
	r := verify.FromIssuer(p.URL, p.options(""))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.KeySet(ctx, "k1"); err == nil {
		t.Error("no error")
	}
	p.wants(t, r, "k1", true, 1)
}

func TestRemoteFromURL(t *testing.T) {
	p := newProvider(t, "k1")
	p.wants(t, verify.FromURL(p.URL+"/certs", p.options("")), "k1", true, 1)
	for address, want := range map[string]string{
		p.URL + "/other":            "no key set",
		"http://keys.example/certs": "http is taken for this machine only",
		"file:///etc/passwd":        "https://",
	} {
		if _, err := verify.FromURL(address, p.options("")).KeySet(t.Context(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	p.keys.Store(strings.Repeat(" ", verify.MaxKeySetSize+1))
	if _, err := verify.FromURL(p.URL+"/certs", p.options("")).KeySet(t.Context(), ""); kind(err) != fault.Network || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%v", err)
	}
}

// Many at once make one request.
func TestRemoteConcurrently(t *testing.T) {
	p := newProvider(t, "k1")
	r := verify.FromIssuer(p.URL, p.options(t.TempDir()))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := r.KeySet(t.Context(), "k1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// Another run needs no network, until the keys are old; offline their age does
// not matter.
func TestDiskCache(t *testing.T) {
	p := newProvider(t, "k1")
	dir := filepath.Join(t.TempDir(), "not", "there")
	p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k1", true, 1)
	p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k1", true, 1)
	p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k2", false, 2)
	p.wants(t, verify.FromURL(p.URL+"/certs", p.options(dir)), "k1", true, 3)
	p.pass(time.Hour)
	p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k1", true, 4)

	p.down.Store(true)
	p.pass(48 * time.Hour)
	offline := p.options(dir)
	offline.Offline = true
	p.wants(t, verify.FromIssuer(p.URL, offline), "k1", true, 4)
	if len(p.notes) != 1 || !strings.Contains(p.notes[0], "offline: the keys are 48h") {
		t.Errorf("notes %q", p.notes)
	}
	offline.CacheDir = t.TempDir()
	if _, err := verify.FromIssuer(p.URL, offline).KeySet(t.Context(), "k1"); kind(err) != fault.Network || !strings.Contains(err.Error(), "no keys of") {
		t.Errorf("%v", err)
	}
	// Without the network, and not offline by choice, old keys serve too.
	p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k1", true, 4)
}

// What is not a cache file of the user's own is ignored, and replaced.
func TestDiskCacheIsNotTrusted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links are those of Unix")
	}
	forged := func(p *provider, name string, at time.Time) []byte {
		keys := base64.StdEncoding.EncodeToString([]byte(`{"keys":[` + mark(rsaJWK(rsaKey(), ""), `"kid":"forged"`) + `]}`))
		b, err := json.Marshal(map[string]any{"version": 1, "name": name, "fetched_at": at, "jwks": keys})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tc := range []struct {
		name    string
		tamper  func(t *testing.T, p *provider, path string)
		trusted bool
	}{
		{"as it is written", func(t *testing.T, p *provider, path string) { write(t, path, forged(p, p.URL, start), 0o600) }, true},
		{"writable by others", func(t *testing.T, p *provider, path string) { write(t, path, forged(p, p.URL, start), 0o622) }, false},
		{"of another issuer", func(t *testing.T, p *provider, path string) { write(t, path, forged(p, "https://x", start), 0o600) }, false},
		{"from the future", func(t *testing.T, p *provider, path string) {
			write(t, path, forged(p, p.URL, start.Add(time.Hour)), 0o600)
		}, false},
		{"no JSON", func(t *testing.T, _ *provider, path string) { write(t, path, []byte("{"), 0o600) }, false},
		{"too large", func(t *testing.T, p *provider, path string) {
			write(t, path, append(forged(p, p.URL, start), strings.Repeat(" ", 400_000)...), 0o600)
		}, false},
		{"a link", func(t *testing.T, p *provider, path string) {
			write(t, path+".x", forged(p, p.URL, start), 0o600)
			remove(t, path)
			if err := os.Symlink(path+".x", path); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a directory", func(t *testing.T, _ *provider, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t, "k1")
			dir := t.TempDir()
			p.wants(t, verify.FromIssuer(p.URL, p.options(dir)), "k1", true, 1)
			tc.tamper(t, p, cacheFile(t, dir))
			set, err := verify.FromIssuer(p.URL, p.options(dir)).KeySet(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if trusted := set.Keys[0].ID == "forged"; trusted != tc.trusted {
				t.Errorf("trusted: %v", trusted)
			}
		})
	}
}

func cacheFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	path := filepath.Join(dir, files[0].Name())
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	return path
}

func write(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A directory that cannot be written to is no reason to fail.
func TestDiskCacheCannotBeWritten(t *testing.T) {
	p := newProvider(t, "k1")
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil, 0o600)
	p.wants(t, verify.FromIssuer(p.URL, p.options(filepath.Join(file, "below"))), "k1", true, 1)
}

func TestVerifier(t *testing.T) {
	p := newProvider(t, "k1")
	raw := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, accessClaims())
	source := &counting{KeySource: verify.FromIssuer(p.URL, p.options(""))}
	v := verify.NewVerifier(expectation(), source, 2)
	ask := func(raw string, now time.Time, ok bool, asked int) {
		t.Helper()
		got, err := v.Verify(t.Context(), raw, now)
		if _, refused := verify.IsRefused(err); refused == ok || (got.Token() != nil) != ok || source.n != asked {
			t.Errorf("%v, asked for keys %d times; want %v, %d", err, source.n, ok, asked)
		}
	}
	ask(raw, start, true, 1)
	ask(raw, start.Add(time.Minute), true, 1)
	ask(raw, start.Add(4*time.Minute+59*time.Second), true, 1)
	ask(raw, start.Add(5*time.Minute), true, 2)     // keys may have been withdrawn
	ask(raw, start.Add(-time.Second), true, 3)      // the clock was set back
	ask(raw, start.Add(3119*time.Second), true, 4)  // a second before its end
	ask(raw, start.Add(3120*time.Second), false, 5) // it has expired since
	ask(raw[:len(raw)-4]+"AAAA", start, false, 6)
	ask(raw[:len(raw)-4]+"AAAA", start, false, 7) // refusals are not remembered
	ask("a.b.c", start, false, 7)
	ask("eyJh", start, false, 7)

	// The oldest of three goes.
	tokens := make([]string, 3)
	for i := range tokens {
		tokens[i] = sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, strings.Replace(accessClaims(), "35666371", fmt.Sprint(i), 1))
		ask(tokens[i], start, true, 8+i)
	}
	ask(tokens[1], start, true, 10)
	ask(tokens[0], start, true, 11)
	ask(tokens[1], start, true, 11)
	ask(tokens[2], start, true, 12)
}

type counting struct {
	verify.KeySource
	n int
}

func (c *counting) KeySet(ctx context.Context, id string) (*verify.KeySet, error) {
	c.n++
	return c.KeySource.KeySet(ctx, id)
}

// Without keys nothing is known: that is no refusal.
func TestVerifierWithoutKeys(t *testing.T) {
	raw := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, accessClaims())
	_, err := verify.NewVerifier(expectation(), failing{}, 0).Verify(t.Context(), raw, start)
	if _, refused := verify.IsRefused(err); err == nil || refused {
		t.Errorf("%v", err)
	}
	_, err = verify.NewVerifier(expectation(), nil, 0).Verify(t.Context(), raw, start)
	if _, refused := verify.IsRefused(err); !refused {
		t.Errorf("%v", err)
	}
}
