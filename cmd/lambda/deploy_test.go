package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// page is docs/deploy.md, or a file beside it.
func page(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// sources is what this program is made of.
func sources(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

// names are the different texts in s that an expression finds, in order.
func names(s, expression string) []string {
	found := regexp.MustCompile(expression).FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// Every variable that is read is documented, and every one that is documented, or set
// by the templates, is read.
func TestVariablesAreDocumented(t *testing.T) {
	const variable = `GATEPASS_[A-Z_]+`
	read := names(sources(t), `"`+variable+`"`)
	for i := range read {
		read[i] = strings.Trim(read[i], `"`)
	}
	doc := page(t, "deploy.md")
	for _, v := range read {
		if !strings.Contains(doc, "| `"+v+"` |") {
			t.Errorf("%s is not in the table of docs/deploy.md", v)
		}
	}
	for _, file := range []string{"deploy.md", "deploy/template.yaml", "deploy/main.tf"} {
		for _, v := range names(page(t, file), variable) {
			if !slices.Contains(read, v) {
				t.Errorf("docs/%s has %s, which nobody reads", file, v)
			}
		}
	}
}

// What the page says of metrics and outcomes is what the log has.
func TestMetricsAreDocumented(t *testing.T) {
	doc := page(t, "deploy.md")
	_, table, _ := strings.Cut(doc, "| metric | dimensions |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, name := range []string{
		"Decisions", "Latency", string(countKeyFetches), string(countKeyFetchErrors), string(countRefreshErrors),
		outcomePolicy, outcomeAllowed, outcomeDenied, outcomeRefused, outcomeFailed,
	} {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("%s is not in the table of docs/deploy.md", name)
		}
	}
	for _, want := range []string{"Namespace: gatepass\n", "MetricName: Decisions\n", "Name: Outcome, Value: " + outcomeFailed} {
		if !strings.Contains(page(t, "deploy/template.yaml"), want) {
			t.Errorf("the alarm of the template has no %s", want)
		}
	}
}

// The templates start the function as it is built.
func TestTemplatesFitTheBuild(t *testing.T) {
	release, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for file, wants := range map[string][]string{
		"deploy/template.yaml": {"Handler: bootstrap\n", "Runtime: provided.al2023\n", "FunctionPayloadType: TOKEN\n", "EnableSimpleResponses: false\n"},
		"deploy/main.tf":       {`= "bootstrap"`, `= "provided.al2023"`, `= "TOKEN"`, "authorizer.zip"},
		"deploy.md":            {"--handler bootstrap", "--runtime provided.al2023", "-tags lambda.norpc"},
	} {
		for _, want := range wants {
			if !strings.Contains(page(t, file), want) {
				t.Errorf("docs/%s has no %s", file, want)
			}
		}
	}
	for _, want := range []string{"binary: bootstrap\n", "tags: [lambda.norpc]\n", "main: ./cmd/lambda\n", "-lambda_{{ .Version }}_{{ .Arch }}"} {
		if !strings.Contains(string(release), want) {
			t.Errorf(".goreleaser.yaml has no %s", want)
		}
	}
}

// recorder is the services that the commands of the page call: it writes down what
// is asked of them and answers with as little as the commands need.
type recorder struct {
	mu    sync.Mutex
	calls []string // "METHOD /path" or the action
	said  []string // bodies
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + r.URL.Path
	text := string(body)
	if form, err := url.ParseQuery(text); err == nil && form.Get("Action") != "" {
		call, text = form.Get("Action"), fmt.Sprint(form)
	}
	rec.mu.Lock()
	rec.calls = append(rec.calls, call)
	rec.said = append(rec.said, text)
	rec.mu.Unlock()
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:gatepass-authorizer"
	answers := []struct{ prefix, answer string }{
		{"CreateRole", "<CreateRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateRoleResult><Role><Arn>arn:aws:iam::123456789012:role/gatepass-authorizer</Arn></Role></CreateRoleResult></CreateRoleResponse>"},
		{"GetRole", "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><RoleName>gatepass-authorizer</RoleName></Role></GetRoleResult></GetRoleResponse>"},
		{"AttachRolePolicy", "<AttachRolePolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"/>"},
		{"POST /2015-03-31/functions/gatepass-authorizer/policy", `{"Statement":"{}"}`},
		{"POST /2015-03-31/functions", `{"FunctionArn":"` + arn + `"}`},
		{"GET /2015-03-31/functions/", `{"Configuration":{"State":"Active","LastUpdateStatus":"Successful"}}`},
		{"PUT /2015-03-31/functions/", `{"FunctionArn":"` + arn + `"}`},
		{"POST /restapis/rest1/authorizers/auth1", `{"clientStatus":0,"policy":"{}"}`},
		{"POST /restapis/rest1/authorizers", `{"id":"auth1"}`},
		{"POST /v2/apis/http1/authorizers", `{"authorizerId":"auth2"}`},
	}
	for _, a := range answers {
		if strings.HasPrefix(call, a.prefix) {
			fmt.Fprint(w, a.answer)
			return
		}
	}
	fmt.Fprint(w, "{}")
}

// sent finds the body of a call.
func (rec *recorder) sent(t *testing.T, call string) map[string]any {
	t.Helper()
	i := slices.Index(rec.calls, call)
	if i < 0 {
		t.Fatalf("nobody asked for %s; asked was for\n%s", call, strings.Join(rec.calls, "\n"))
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(rec.said[i]), &m); err != nil {
		t.Fatalf("%s sent %s", call, rec.said[i])
	}
	return m
}

// The commands of the page are run with the AWS CLI, all of them, against services
// that record what they are asked: the CLI itself checks names and forms.
func TestDeployCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("the AWS CLI takes its time")
	}
	t.Parallel()
	for _, tool := range []string{"aws", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the commands of docs/deploy.md were not run: %v", err)
		}
	}
	var script strings.Builder
	script.WriteString("set -eu\napi=rest1 resource=res1 stage=prod http_api=http1 route=route1\ngatepass() { echo eyJ.made.up; }\n")
	for _, block := range regexp.MustCompile("(?s)```sh\n# deploy:(.*?)```").FindAllStringSubmatch(page(t, "deploy.md"), -1) {
		script.WriteString("#" + block[1])
	}
	rec := &recorder{}
	s := httptest.NewServer(rec)
	defer s.Close()
	dir := t.TempDir()
	var archive bytes.Buffer // the CLI looks whether it is one
	if err := zip.NewWriter(&archive).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "authorizer.zip"), archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", script.String())
	c.Dir = dir
	c.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") }), "HOME="+dir, "AWS_ENDPOINT_URL="+s.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	f := rec.sent(t, "POST /2015-03-31/functions")
	if f["Runtime"] != "provided.al2023" || f["Handler"] != "bootstrap" || f["Role"] != "arn:aws:iam::123456789012:role/gatepass-authorizer" {
		t.Errorf("the function is %v", f)
	}
	const uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:gatepass-authorizer/invocations"
	z := rec.sent(t, "POST /restapis/rest1/authorizers")
	if z["type"] != "TOKEN" || z["authorizerUri"] != uri || z["identitySource"] != "method.request.header.Authorization" {
		t.Errorf("the authorizer is %v", z)
	}
	z = rec.sent(t, "POST /v2/apis/http1/authorizers")
	if z["authorizerType"] != "REQUEST" || z["authorizerUri"] != uri || z["authorizerPayloadFormatVersion"] != "2.0" || z["enableSimpleResponses"] != false {
		t.Errorf("the authorizer of the HTTP API is %v", z)
	}
	p := rec.sent(t, "POST /2015-03-31/functions/gatepass-authorizer/policy")
	if p["SourceArn"] != "arn:aws:execute-api:eu-west-1:123456789012:rest1/authorizers/auth1" || p["Principal"] != "apigateway.amazonaws.com" {
		t.Errorf("the permission is %v", p)
	}
	m := rec.sent(t, "PATCH /restapis/rest1/resources/res1/methods/GET")
	if text := fmt.Sprint(m["patchOperations"]); !strings.Contains(text, "/authorizationType value:CUSTOM") || !strings.Contains(text, "/authorizerId value:auth1") {
		t.Errorf("the method is changed by %v", m)
	}
	for _, call := range []string{
		"POST /restapis/rest1/authorizers/auth1", "POST /restapis/rest1/deployments", "PATCH /v2/apis/http1/routes/route1",
		"PUT /2015-03-31/functions/gatepass-authorizer/code", "DELETE /restapis/rest1/stages/prod/cache/authorizers",
	} {
		if !slices.Contains(rec.calls, call) {
			t.Errorf("nobody asked for %s; asked was for\n%s", call, strings.Join(rec.calls, "\n"))
		}
	}
}
