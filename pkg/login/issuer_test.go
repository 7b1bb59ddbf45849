package login_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatepass/pkg/login"
)

const clientID = "e0001112-9e47-0138-5b6c-023242b000010000ab"

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// issuer is an OpenID Connect issuer that does what a test wants of it. Its
// fields are set before it is used.
type issuer struct {
	*httptest.Server
	url string // the issuer

	discovery func(doc map[string]any)    // changes the discovery document
	answer    func(q, back url.Values)    // changes what the browser is sent back with
	response  func(r map[string]any)      // changes the token response
	id        func(claims map[string]any) // changes the claims of ID tokens
	sign      func(claims map[string]any) string
	handle    map[string]http.HandlerFunc // in place of ours, by path

	mu      sync.Mutex
	auth    url.Values   // of the last authorization request
	forms   []url.Values // of the token requests
	headers []http.Header
	revoked []url.Values
	rounds  int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{handle: map[string]http.HandlerFunc{}}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	i.url = i.URL + "/oidc/2"
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	p := strings.TrimPrefix(r.URL.Path, "/oidc/2")
	if h := i.handle[p]; h != nil {
		h(w, r)
		return
	}
	switch p {
	case "/.well-known/openid-configuration":
		doc := map[string]any{
			"issuer": i.url, "authorization_endpoint": i.url + "/auth", "token_endpoint": i.url + "/token",
			"jwks_uri": i.url + "/certs", "revocation_endpoint": i.url + "/token/revocation",
			"scopes_supported":         []string{"openid", "name", "profile", "groups", "email", "params", "phone"},
			"response_types_supported": []string{"code"},
		}
		if i.discovery != nil {
			i.discovery(doc)
		}
		reply(w, 200, doc)
	case "/auth":
		i.authorize(w, r)
	case "/token":
		i.token(w, r)
	case "/certs":
		reply(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signingKey().Public(), KeyID: "one", Use: "sig"}}})
	case "/token/revocation":
		_ = r.ParseForm()
		i.mu.Lock()
		i.revoked = append(i.revoked, r.PostForm)
		i.mu.Unlock()
		reply(w, 200, map[string]any{})
	default:
		http.Error(w, "unrecognized route or not allowed method", http.StatusNotFound)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	i.mu.Lock()
	i.auth = q
	i.mu.Unlock()
	back := url.Values{"code": {"code-1"}, "state": {q.Get("state")}}
	if i.answer != nil {
		i.answer(q, back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forms = append(i.forms, r.PostForm)
	i.headers = append(i.headers, r.Header.Clone())
	i.rounds++
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if c := i.auth.Get("code_challenge"); r.PostForm.Get("grant_type") == "authorization_code" &&
		c != base64.RawURLEncoding.EncodeToString(sum[:]) {
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "grant request is invalid"})
		return
	}
	access := fmt.Sprintf("access-token-%d", i.rounds)
	claims := i.claims(access)
	if i.id != nil {
		i.id(claims)
	}
	sign := i.sign
	if sign == nil {
		sign = signed
	}
	resp := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": sign(claims),
		"refresh_token": fmt.Sprintf("refresh-token-%d", i.rounds),
	}
	if i.response != nil {
		i.response(resp)
	}
	reply(w, 200, resp)
}

func (i *issuer) claims(access string) map[string]any {
	half := sha256.Sum256([]byte(access))
	return map[string]any{
		"iss": i.url, "aud": clientID, "sub": "35666371", "name": "Ada", "preferred_username": "ada",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "nonce": i.auth.Get("nonce"),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]), "sid": "8a2c",
	}
}

func signed(claims map[string]any) string { return signedBy(jose.RS256, signingKey(), "one")(claims) }

func signedBy(alg jose.SignatureAlgorithm, key any, kid string) func(map[string]any) string {
	return func(claims map[string]any) string {
		opts := (&jose.SignerOptions{}).WithType("JWT")
		if kid != "" {
			opts = opts.WithHeader("kid", kid)
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
		if err != nil {
			panic(err)
		}
		payload, err := json.Marshal(claims)
		if err != nil {
			panic(err)
		}
		jws, err := s.Sign(payload)
		if err != nil {
			panic(err)
		}
		out, err := jws.CompactSerialize()
		if err != nil {
			panic(err)
		}
		return out
	}
}

// config is a client of the issuer.
func (i *issuer) config() login.Config {
	return login.Config{
		Issuer: i.url, ClientID: clientID, RedirectURIs: []string{"http://127.0.0.1:0/callback"},
		Scopes: []string{"openid", "profile"}, Timeout: 20 * time.Second,
	}
}

// browser is a browser whose user agrees to everything, and what it showed.
type browser struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	seen   chan struct{}
}

func newBrowser() *browser { return &browser{seen: make(chan struct{})} }

func (b *browser) open(ctx context.Context, address string) error {
	defer close(b.seen)
	// A browser does not end with the login, and may be reading its page then.
	status, body, header, err := get(context.WithoutCancel(ctx), address)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status, b.body, b.header = status, body, header
	return err
}

// page is what the browser showed in the end.
func (b *browser) page() (int, string, http.Header) {
	<-b.seen
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status, b.body, b.header
}

func get(ctx context.Context, address string) (int, string, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header, err
}
