package cmd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// An issuer that says back what it is sent: at userinfo, and when tokens are
// revoked. No command but those that hand tokens out shows it.
func TestNothingIsSaidBack(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_STORE"] = "file"
	d.run(0, "login")
	tokens := d.secrets()

	to, err := url.Parse(d.issuer)
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := string(body) + " " + r.Header.Get("Authorization")
		switch {
		case strings.HasSuffix(r.URL.Path, "/me"):
			_ = json.NewEncoder(w).Encode(map[string]any{"sub": "38975291", "name": said, "of": []string{said}})
		case strings.HasSuffix(r.URL.Path, "/revocation"):
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": "invalid_request", "error_description": said})
		default:
			through.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(echo.Close)
	// The same issuer by its name; its requests come to the echo.
	d.transport = redirected{to.Host, strings.TrimPrefix(echo.URL, "http://")}
	for _, c := range []struct {
		exit int
		args []string
	}{
		{0, []string{"whoami"}}, {0, []string{"whoami", "--json"}}, {1, []string{"logout"}},
	} {
		out, errs := d.run(c.exit, c.args...)
		for _, s := range tokens {
			// Of a JSON Web Token header and payload may stay.
			signature := s[strings.LastIndexByte(s, '.')+1:]
			if strings.Contains(out+errs, signature) {
				t.Errorf("%v shows a token:\n%s%s", c.args, out, errs)
			}
		}
		if !strings.Contains(out+errs, "[redacted]") {
			t.Errorf("%v: nothing was said back:\n%s%s", c.args, out, errs)
		}
	}
}

// redirected sends the requests for one host to another.
type redirected struct{ from, to string }

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == r.from {
		req = req.Clone(req.Context())
		req.URL.Host = r.to
	}
	return http.DefaultTransport.RoundTrip(req)
}
