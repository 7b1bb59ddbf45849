package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The authorizer file may be in any of the places.
func TestPlaces(t *testing.T) {
	issuer := newIssuer(t)
	file := authorizerFile(issuer.URL)
	for _, where := range []string{
		"", "authorizer.yaml", "s3://my-bucket/a/b.yaml", "ssm:/gatepass/authorizer", "ssm:///gatepass/authorizer", "ssm:authorizer", "secretsmanager:gatepass",
		"dynamodb://settings/name=authorizer", "dynamodb://settings/name=a%20b/version=1#document",
	} {
		aws, env := cloud(t, map[string]string{"GATEPASS_AUTHORIZER": where})
		aws.Objects["my-bucket/a/b.yaml"] = file
		aws.Parameters["/gatepass/authorizer"], aws.Parameters["authorizer"] = file, file
		aws.Secrets["gatepass"] = file
		aws.Items["settings/name=authorizer#authorizer"] = file
		aws.Items["settings/name=a b/version=1#document"] = file
		b := started(t, map[string]string{"authorizer.yaml": file}, env)
		if got := b.ask(t, "request", accessToken(t, issuer.URL, "42", "k1", b.clock())); !strings.HasPrefix(got, `{"principalId":"42"`) {
			t.Errorf("%s: %s; %s", where, got, b.out)
		}
	}
}

func TestParsePlace(t *testing.T) {
	for in, want := range map[string]string{
		"authorizer.yaml":                "authorizer.yaml",
		"/mnt/efs/authorizer.yaml":       "/mnt/efs/authorizer.yaml",
		`C:\authorizer.yaml`:             `C:\authorizer.yaml`,
		"s3://b/k":                       "s3://b/k",
		"ssm:///a/b":                     "ssm:/a/b",
		"ssm:a":                          "ssm:a",
		"ssm:/a:3":                       "ssm:/a:3",
		"secretsmanager:arn:aws:x":       "secretsmanager:arn:aws:x",
		"dynamodb://t/k=v":               "dynamodb://t/k=v#authorizer",
		"dynamodb://t/k%2F=v%3D/s=2#doc": "dynamodb://t/k/=v=#doc",
		"s3:b/k":                         "", "s3://b": "", "s3:///k": "", "ssm:": "", "ssm:/a/": "", "https://x/y": "",
		"dynamodb://t": "", "dynamodb://t/k": "", "dynamodb://t/k=": "", "dynamodb://t/k=v/s=w/x=y": "", "dynamodb://t/k=v#": "", "dynamodb://t/%zz=v": "", "dynamodb:t/k=v": "",
	} {
		p, err := parsePlace(in)
		if got := p.String(); want == "" && err == nil || want != "" && (err != nil || got != want) {
			t.Errorf("%s: %q, %v; want %q", in, got, err, want)
		}
	}
}

// FuzzParsePlace: no text panics, and what is taken names something.
func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"a", "s3://b/k", "ssm:///a", "dynamodb://t/a=b/c=d#e", "dynamodb://", "::", "s3://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePlace(s)
		if err == nil && s != "" && (p.kind == "" || p.name == "") {
			t.Errorf("%q is %+v", s, p)
		}
	})
}

// The file is read again when it is due, the last good one stays when that fails, and
// one that has not changed keeps what the function remembers.
func TestRefresh(t *testing.T) {
	issuer := newIssuer(t)
	aws, env := cloud(t, map[string]string{"GATEPASS_AUTHORIZER": "s3://bucket/a", "GATEPASS_REFRESH": "60s"})
	first := authorizerFile(issuer.URL)
	aws.Objects["bucket/a"] = first
	b := started(t, nil, env)
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	put := func(object, refuse string) {
		aws.Lock()
		defer aws.Unlock()
		aws.Objects["bucket/a"], aws.Refuse["s3"] = object, refuse
	}
	want := func(why, answer string, reads int) {
		t.Helper()
		if got := b.ask(t, "request", raw); !strings.Contains(got, answer) {
			t.Errorf("%s: %s, want %s; log %s", why, got, answer, b.out)
		}
		aws.Lock()
		defer aws.Unlock()
		if aws.Asked["s3"] != reads {
			t.Errorf("%s: S3 was asked %d times, want %d", why, aws.Asked["s3"], reads)
		}
	}
	want("at first", "GET/users/42/*", 1)
	before := b.current.have
	second := strings.Replace(first, "GET /users/", "GET /people/", 1)
	put(second, "")
	want("not due yet", "GET/users/42/*", 1)
	b.wait(60 * time.Second)
	want("due", "GET/people/42/*", 2)
	if b.current.have == before {
		t.Error("the function is the old one")
	}
	before = b.current.have
	b.wait(60 * time.Second)
	want("unchanged", "GET/people/42/*", 3)
	if b.current.have != before {
		t.Error("a file that has not changed makes a new function")
	}
	put("version: 1\npolicy: [", "")
	b.wait(60 * time.Second)
	want("broken", "GET/people/42/*", 4)
	want("broken, once", "GET/people/42/*", 4)
	put(second, "403 AccessDenied")
	b.wait(60 * time.Second)
	want("refused", "GET/people/42/*", 5)
	put(first, "hang")
	b.wait(60 * time.Second)
	want("hanging", "GET/people/42/*", 6)
	put(first, "")
	b.wait(60 * time.Second)
	want("good again", "GET/users/42/*", 7)

	warned, counted := 0, 0.0
	for _, l := range b.lines(t) {
		if text, _ := l["message"].(string); strings.Contains(text, "stays in use") {
			warned++
		}
		if n, ok := l["RefreshErrors"].(float64); ok {
			counted += n
		}
	}
	if warned != 3 || counted != 3 {
		t.Errorf("%d warnings and %v in the metrics, want 3 of each", warned, counted)
	}
}

// Userinfo adds claims that the token does not have, and cannot replace any.
func TestUserInfo(t *testing.T) {
	issuer := newIssuer(t)
	me := func(groups string) http.HandlerFunc {
		return text(`{"sub":"42","iss":"https://evil.example.com","scope":"admin","groups":` + groups + `}`)
	}
	issuer.set("/me", me(`["Staff"]`))
	b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, map[string]string{"GATEPASS_USERINFO": "1", "GATEPASS_LOOKUP_TTL": "30s"})
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	for range 3 {
		if got := b.ask(t, "request", raw); !strings.Contains(got, `"groups":"Staff"`) || strings.Contains(got, `test/*/*`) {
			t.Errorf("answer %s", got)
		}
	}
	if n := issuer.count("/me"); n != 1 {
		t.Errorf("userinfo was asked %d times, want once", n)
	}
	issuer.set("/me", me(`["Admins"]`))
	b.wait(30 * time.Second)
	if got := b.ask(t, "request", raw); !strings.Contains(got, `test/*/*`) {
		t.Errorf("an admin by now: %s", got)
	}
	issuer.set("/me", status(http.StatusUnauthorized))
	b.wait(30 * time.Second)
	if got := b.ask(t, "request", raw); got != "Unauthorized" {
		t.Errorf("revoked: %s", got)
	}
}

// Introspection refuses a token that is not active any more, with the client's
// authentication as it is set.
func TestIntrospection(t *testing.T) {
	for method, env := range map[string]map[string]string{
		"none":  {},
		"post":  {"GATEPASS_CLIENT_SECRET_FROM": "ssm:/gatepass/secret"},
		"basic": {"GATEPASS_CLIENT_AUTH": "basic", "GATEPASS_CLIENT_SECRET": "s3cret:ü"},
	} {
		issuer := newIssuer(t)
		active := "true"
		var said string
		issuer.set("/token/introspection", func(w http.ResponseWriter, r *http.Request) {
			user, pass, basic := r.BasicAuth()
			said = "none"
			switch {
			case basic && user == "my+app" && pass == "s3cret%3A%C3%BC": // form-encoded (RFC 6749 section 2.3.1)
				said = "basic"
			case r.FormValue("client_secret") == "s3cret" && r.FormValue("client_id") == "my app":
				said = "post"
			case r.FormValue("client_id") != "my app" || r.FormValue("token") == "":
				said = "nobody"
			}
			text(`{"active":`+active+`}`)(w, r)
		})
		env["GATEPASS_INTROSPECT"], env["GATEPASS_CLIENT_ID"] = "1", "my app"
		aws, env := cloud(t, env)
		aws.Parameters["/gatepass/secret"] = "s3cret\n"
		b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, env)
		raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
		if got := b.ask(t, "request", raw); !strings.HasPrefix(got, `{"principalId":"42"`) || said != method {
			t.Errorf("%s: %s, authenticated by %s; %s", method, got, said, b.out)
		}
		active = "false"
		if got := b.ask(t, "request", raw); !strings.HasPrefix(got, `{"principalId":"42"`) {
			t.Errorf("%s: what was found out a moment ago does not count: %s", method, got)
		}
		b.wait(time.Minute)
		if got := b.ask(t, "request", raw); got != "Unauthorized" {
			t.Errorf("%s, not active any more: %s", method, got)
		}
	}
}

// The client's secret goes to one issuer only.
func TestIntrospectionOfOneIssuer(t *testing.T) {
	issuer := newIssuer(t)
	two := strings.Replace(authorizerFile(issuer.URL), `audience: app}]`, `audience: app}, {issuer: "https://other.example.com", audience: app}]`, 1)
	b := started(t, map[string]string{"authorizer.yaml": two}, map[string]string{"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "app"})
	if got := b.ask(t, "request", accessToken(t, issuer.URL, "42", "k1", b.clock())); !strings.Contains(got, "one issuer") {
		t.Errorf("answer %s", got)
	}
}

// The line of a decision is an embedded metric format document: every metric and
// dimension that the directives name is a member of the right kind.
func TestMetrics(t *testing.T) {
	issuer := newIssuer(t)
	b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, nil)
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	b.ask(t, "request", raw)
	b.ask(t, "request", raw+"x")
	var outcomes []string
	for _, l := range b.lines(t) {
		if l["message"] != "decision" {
			continue
		}
		if _, there := l["sub"]; there {
			t.Errorf("the subject is in the log unasked: %v", l)
		}
		outcomes = append(outcomes, l["outcome"].(string))
		data, _ := json.Marshal(l["_aws"])
		var meta struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		}
		if err := json.Unmarshal(data, &meta); err != nil || meta.Timestamp != b.clock().UnixMilli() || len(meta.CloudWatchMetrics) != 2 {
			t.Fatalf("%v: %s", err, data)
		}
		for _, d := range meta.CloudWatchMetrics {
			for _, name := range d.Dimensions[0] {
				if s, ok := l[name].(string); !ok || s == "" {
					t.Errorf("the dimension %s is %v", name, l[name])
				}
			}
			for _, m := range d.Metrics {
				if _, ok := l[m.Name].(float64); !ok || m.Unit == "" {
					t.Errorf("the metric %+v is %v", m, l[m.Name])
				}
			}
			if d.Namespace != "gatepass" {
				t.Errorf("namespace %q", d.Namespace)
			}
		}
	}
	if strings.Join(outcomes, " ") != "policy refused" {
		t.Errorf("outcomes %q", outcomes)
	}
	if first := b.lines(t)[0]; first["KeyFetches"] != 1.0 || first["kid"] != "k1" {
		t.Errorf("first line %v", first)
	}
}

// The subject is logged when that is asked for, and only of a token that counts;
// metrics can be left out.
func TestLogSettings(t *testing.T) {
	issuer := newIssuer(t)
	b := started(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, map[string]string{"GATEPASS_LOG_SUBJECT": "1", "GATEPASS_METRICS": "off"})
	raw := accessToken(t, issuer.URL, "42", "k1", b.clock())
	b.ask(t, "request", raw)
	b.ask(t, "request", raw[:len(raw)-8]+"AAAAAAAA")
	lines := b.lines(t)
	if len(lines) != 2 || lines[0]["sub"] != "42" || lines[1]["sub"] != nil || lines[0]["_aws"] != nil {
		t.Errorf("log %v", lines)
	}
}

// Every slip in the settings is named, all at once.
func TestSettings(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"GATEPASS_REFRESH is \"soon\"":                                {"GATEPASS_REFRESH": "soon"},
		"want at least 1s":                                            {"GATEPASS_REFRESH": "1ms"},
		"more than GATEPASS_REFRESH":                                  {"GATEPASS_REFRESH": "60s", "GATEPASS_MAX_STALE": "30s"},
		"GATEPASS_INTROSPECT is \"perhaps\"":                          {"GATEPASS_INTROSPECT": "perhaps"},
		"needs GATEPASS_CLIENT_ID":                                    {"GATEPASS_INTROSPECT": "1"},
		"there is no secret":                                          {"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "a", "GATEPASS_CLIENT_AUTH": "basic"},
		"is none, and there is a secret":                              {"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "a", "GATEPASS_CLIENT_AUTH": "none", "GATEPASS_CLIENT_SECRET": "s"},
		"want one of them":                                            {"GATEPASS_INTROSPECT": "1", "GATEPASS_CLIENT_ID": "a", "GATEPASS_CLIENT_SECRET": "s", "GATEPASS_CLIENT_SECRET_FROM": "ssm:a"},
		"want none, post or basic":                                    {"GATEPASS_CLIENT_AUTH": "jwt"},
		"GATEPASS_CLIENT_SECRET_FROM: want a file,":                   {"GATEPASS_CLIENT_SECRET_FROM": "https://x"},
		"want a namespace":                                            {"GATEPASS_METRICS": "AWS/Lambda"},
		"GATEPASS_SIMPLE is \"2\": want 1 or 0; GATEPASS_LOG_SUBJECT": {"GATEPASS_SIMPLE": "2", "GATEPASS_LOG_SUBJECT": "3"},
	} {
		_, err := readSettings(func(name string) string { return env[name] })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := readSettings(func(string) string { return "" }); err != nil {
		t.Errorf("an empty environment: %v", err)
	}
}
