package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/awstest"
	"gatepass/pkg/secret"
)

// cloud is AWS on this machine, and the variables that lead there.
func cloud(t testing.TB, env map[string]string) (*awstest.Cloud, map[string]string) {
	t.Helper()
	c := awstest.New("eu-west-1", awsapi.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), SessionToken: secret.New("session"),
	})
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	if env == nil {
		env = map[string]string{}
	}
	env["AWS_ENDPOINT_URL"] = s.URL
	return c, env
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(20 * time.Second):
	}
}

// Whatever is missing or wrong, the function ends with an error that is not
// Unauthorized: a 500, which API Gateway does not keep. Never a policy, and never a
// refusal of the caller.
func TestFailsClosed(t *testing.T) {
	type setup struct {
		files, env map[string]string
		issuer     func(*issuerServer)
		cloud      func(*awstest.Cloud)
		event      func(raw string) []byte
		later      time.Duration
		want       string // in the log
	}
	for name, tc := range map[string]setup{
		"no file":             {files: map[string]string{}, want: "authorizer.yaml"},
		"a broken file":       {files: map[string]string{"authorizer.yaml": "version: 1\npolicy: [\n"}, want: "authorizer.yaml:"},
		"a file with a slip":  {files: map[string]string{"authorizer.yaml": "version: 1\npolicies: {}\n"}, want: "policies"},
		"wrong settings":      {env: map[string]string{"GATEPASS_SIMPLE": "maybe"}, want: "GATEPASS_SIMPLE"},
		"wrong place":         {env: map[string]string{"GATEPASS_AUTHORIZER": "ftp://x/y"}, want: "GATEPASS_AUTHORIZER"},
		"no object":           {env: map[string]string{"GATEPASS_AUTHORIZER": "s3://bucket/authorizer.yaml"}, want: "does not exist"},
		"no permission":       {env: map[string]string{"GATEPASS_AUTHORIZER": "ssm:/a"}, cloud: func(c *awstest.Cloud) { c.Refuse["ssm"] = "400 AccessDeniedException" }, want: "ssm:GetParameter"},
		"S3 hangs":            {env: map[string]string{"GATEPASS_AUTHORIZER": "s3://bucket/a", "TEST_START_LIMIT": "1"}, cloud: func(c *awstest.Cloud) { c.Refuse["s3"] = "hang" }, want: "time limit"},
		"no keys":             {issuer: func(i *issuerServer) { i.set("/certs", status(503)) }, want: "503"},
		"no discovery":        {issuer: func(i *issuerServer) { i.set("/.well-known/openid-configuration", nil) }, want: "404"},
		"keys are nonsense":   {issuer: func(i *issuerServer) { i.set("/certs", text("<html>")) }, want: "no key set"},
		"the issuer hangs":    {issuer: func(i *issuerServer) { i.set("/certs", hang) }, env: map[string]string{"TEST_START_LIMIT": "1"}, want: "time limit"},
		"no keys in the zip":  {env: map[string]string{"GATEPASS_JWKS": "keys.json"}, want: "GATEPASS_JWKS"},
		"not an event":        {event: func(string) []byte { return []byte(`{"Records":[{"eventSource":"aws:sqs"}]}`) }, want: "none that API Gateway sends"},
		"half an event":       {event: func(raw string) []byte { return sample(t, "request", raw)[:200] }, want: "cannot be read"},
		"no ARN":              {event: func(raw string) []byte { return []byte(`{"type":"TOKEN","authorizationToken":"Bearer ` + raw + `"}`) }, want: "methodArn"},
		"a huge event":        {event: func(string) []byte { return append(bytes.Repeat([]byte(" "), 11<<20), "{}"...) }, want: "more than"},
		"a deep event":        {event: func(string) []byte { return bytes.Repeat([]byte("["), 1<<20) }, want: "cannot be read"},
		"userinfo fails":      {env: map[string]string{"GATEPASS_USERINFO": "1"}, issuer: func(i *issuerServer) { i.set("/me", status(500)) }, want: "500"},
		"userinfo of another": {env: map[string]string{"GATEPASS_USERINFO": "1"}, issuer: func(i *issuerServer) { i.set("/me", text(`{"sub":"43","groups":["Admins"]}`)) }, want: "is about"},
		"introspection fails": {
			env:    map[string]string{"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "app"},
			issuer: func(i *issuerServer) { i.set("/token/introspection", status(500)) }, want: "500",
		},
		"introspection takes not the client": {
			env:    map[string]string{"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "app", "GATEPASS_CLIENT_SECRET": "topsecret"},
			issuer: func(i *issuerServer) { i.set("/token/introspection", status(401)) }, want: "does not take the client",
		},
		"introspection says nothing": {
			env:    map[string]string{"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "app"},
			issuer: func(i *issuerServer) { i.set("/token/introspection", text(`{"active":"yes"}`)) }, want: "does not say",
		},
		"no client secret": {
			env:  map[string]string{"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "app", "GATEPASS_CLIENT_SECRET_FROM": "ssm:/secret"},
			want: "the client secret",
		},
		"too old a file": {
			env:   map[string]string{"GATEPASS_AUTHORIZER": "s3://bucket/a", "GATEPASS_REFRESH": "60s", "GATEPASS_MAX_STALE": "10m"},
			later: 11 * time.Minute, want: "GATEPASS_MAX_STALE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := newIssuer(t)
			if tc.issuer != nil {
				tc.issuer(issuer)
			}
			aws, env := cloud(t, tc.env)
			if tc.cloud != nil {
				tc.cloud(aws)
			}
			if tc.later > 0 {
				aws.Objects["bucket/a"] = authorizerFile(issuer.URL)
			}
			if tc.files == nil {
				tc.files = map[string]string{"authorizer.yaml": authorizerFile(issuer.URL) + "# and a Deny would be kept\n"}
			}
			b := started(t, tc.files, env)
			b.wait(tc.later)
			if tc.later > 0 {
				aws.Lock()
				aws.Refuse["s3"] = "403 AccessDenied"
				aws.Unlock()
			}
			raw := accessToken(t, issuer.URL, "42", "k1", b.clock().Add(-time.Minute))
			event := sample(t, "request", raw)
			if tc.event != nil {
				event = tc.event(raw)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			out, err := b.Invoke(ctx, event)
			if err == nil || out != nil || !strings.HasPrefix(err.Error(), "the authorizer failed: ") {
				t.Fatalf("answer %s, error %v", out, err)
			}
			if text := b.out.String(); !strings.Contains(text, tc.want) || strings.Contains(text, "topsecret") || strings.Contains(text, raw[len(raw)-30:]) {
				t.Errorf("want %q in the log, and no secret: %s", tc.want, text)
			}
			lines := b.lines(t)
			if last := lines[len(lines)-1]; last["outcome"] != "failed" || last["level"] != "ERROR" {
				t.Errorf("the last line is %v", last)
			}
		})
	}
}

// What failed at the start is tried again by requests.
func TestRecovers(t *testing.T) {
	issuer := newIssuer(t)
	issuer.set("/certs", status(503))
	aws, env := cloud(t, map[string]string{"GATEPASS_AUTHORIZER": "s3://bucket/authorizer.yaml"})
	b := started(t, nil, env)
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	fails := func(why string) {
		t.Helper()
		if got := b.ask(t, "request", raw); !strings.Contains(got, why) {
			t.Fatalf("want %s: %s", why, got)
		}
	}
	fails("does not exist")
	aws.Lock()
	aws.Objects["bucket/authorizer.yaml"] = authorizerFile(issuer.URL)
	aws.Unlock()
	fails("503")
	issuer.set("/certs", text(jwks("k1")))
	asked := issuer.count("/certs")
	fails("503") // asked a moment ago
	if issuer.count("/certs") != asked {
		t.Error("keys are asked for with every request")
	}
	b.wait(keysRetry)
	if got := b.ask(t, "request", raw); !strings.HasPrefix(got, `{"principalId":"42"`) {
		t.Errorf("answer %s", got)
	}
}

// A key the function does not know makes it ask once in a while, whoever sends it.
func TestStrangersCannotForceFetches(t *testing.T) {
	issuer := newIssuer(t)
	b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, nil)
	if n := issuer.count("/certs"); n != 1 {
		t.Errorf("keys were asked for %d times at the start, want once", n)
	}
	b.wait(time.Minute) // a rotation is noticed after that
	for range 5 {
		if got := b.ask(t, "token", accessToken(t, issuer.URL, "42", "another", b.clock())); got != "Unauthorized" {
			t.Errorf("answer %s", got)
		}
		b.wait(time.Second)
	}
	if n := issuer.count("/certs"); n != 2 {
		t.Errorf("keys were asked for %d times, want twice", n)
	}
	issuer.set("/certs", text(jwks("another")))
	b.wait(time.Minute)
	if got := b.ask(t, "token", accessToken(t, issuer.URL, "42", "another", b.clock())); !strings.HasPrefix(got, `{"principalId":"42"`) {
		t.Errorf("after a rotation: %s", got)
	}
}

// A panic is a 500 like every other failure, and the log has it without secrets.
func TestPanicFailsClosed(t *testing.T) {
	issuer := newIssuer(t)
	b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, nil)
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	b.current.refresh, b.current.due = time.Second, b.clock()
	b.current.read = func(context.Context, place) ([]byte, error) { panic("with " + raw) }
	if got := b.ask(t, "request", raw); !strings.HasPrefix(got, "the authorizer failed: ") {
		t.Errorf("answer %s", got)
	}
	if log := b.out.String(); !strings.Contains(log, "mistake in the program") || strings.Contains(log, raw[len(raw)-30:]) {
		t.Errorf("log %s", log)
	}
}
