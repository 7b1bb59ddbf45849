package view

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func handout() Handout {
	return Handout{
		Type: "access", Value: "eyJ.a-b_c~/+.x==", Expiry: time.Date(2026, 11, 22, 13, 0, 0, 0, time.FixedZone("", 3600)),
		Field: "Authorization", Header: "Bearer eyJ.a-b_c~/+.x==", API: "https://api.example.com:8443/prod", Name: "GATEPASS_TOKEN", Shell: "sh",
	}
}

func TestForms(t *testing.T) {
	const v = "eyJ.a-b_c~/+.x=="
	for name, tc := range map[string]struct {
		form, shell, info, want string
	}{
		"raw":        {form: "raw", want: v + "\n"},
		"header":     {form: "header", want: "Authorization: Bearer " + v + "\n"},
		"sh":         {form: "env", shell: "sh", want: "export GATEPASS_TOKEN='" + v + "'\n"},
		"zsh":        {form: "env", shell: "zsh", want: "export GATEPASS_TOKEN='" + v + "'\n"},
		"fish":       {form: "env", shell: "fish", want: "set -gx GATEPASS_TOKEN '" + v + "'\n"},
		"powershell": {form: "env", shell: "powershell", want: "$env:GATEPASS_TOKEN = '" + v + "'\n"},
		"cmd":        {form: "env", shell: "cmd", want: "set \"GATEPASS_TOKEN=" + v + "\"\r\n"},
		"netrc":      {form: "netrc", want: "machine api.example.com login oauth2 password " + v + "\n"},
		"curl":       {form: "curl", want: "header = \"Authorization: Bearer " + v + "\"\n"},
		"kubernetes": {form: "kubernetes", want: "{\n  \"apiVersion\": \"client.authentication.k8s.io/v1\",\n  \"kind\": \"ExecCredential\",\n  \"status\": {\n    \"expirationTimestamp\": \"2026-11-22T12:00:00Z\",\n    \"token\": \"" + v + "\"\n  }\n}\n"},
		"beta":       {form: "kubernetes", info: `{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{"interactive":false}}`, want: "{\n  \"apiVersion\": \"client.authentication.k8s.io/v1beta1\",\n  \"kind\": \"ExecCredential\",\n  \"status\": {\n    \"expirationTimestamp\": \"2026-11-22T12:00:00Z\",\n    \"token\": \"" + v + "\"\n  }\n}\n"},
		"aws":        {form: "aws", want: "{\n  \"Version\": 1,\n  \"Token\": \"" + v + "\",\n  \"TokenType\": \"Bearer\",\n  \"Expiration\": \"2026-11-22T12:00:00Z\"\n}\n"},
		"json":       {form: "json", want: "{\n  \"schemaVersion\": 1,\n  \"type\": \"access\",\n  \"token\": \"" + v + "\",\n  \"tokenType\": \"Bearer\",\n  \"expiresAt\": \"2026-11-22T12:00:00Z\"\n}\n"},
	} {
		h := handout()
		h.ExecInfo = tc.info
		if tc.shell != "" {
			h.Shell = tc.shell
		}
		if got, err := h.Text(tc.form); err != nil || got != tc.want {
			t.Errorf("%s: %v\n%q, want\n%q", name, err, got, tc.want)
		}
	}
}

func TestFormsThatCannotBe(t *testing.T) {
	h := handout()
	h.API = ""
	if _, err := h.Text("netrc"); err == nil {
		t.Error("an entry of netrc for no host")
	}
	for _, info := range []string{"x", "{}", `{"apiVersion":"client.authentication.k8s.io/v1alpha1"}`} {
		h.ExecInfo = info
		if got, err := h.Text("kubernetes"); err == nil {
			t.Errorf("%s: %s", info, got)
		}
	}
	for _, value := range []string{"", "=", "a b", "a\nb", "a'b", "a\"b", "a=b", "$(id)", "ü"} {
		h := handout()
		h.Value = value
		for _, form := range Forms() {
			_, err := h.Text(form)
			if whole := form == "raw" || form == "json"; (err == nil) != whole {
				t.Errorf("%q as %s: %v", value, form, err)
			}
		}
	}
	for _, form := range append(Forms(), "xml") {
		got, err := handout().Text(form)
		if (err == nil) != (form != "xml") || err != nil && strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %q, %v", form, got, err)
		}
	}
	h = handout()
	h.Expiry = time.Time{}
	for _, form := range []string{"aws", "kubernetes", "json"} {
		if got, _ := h.Text(form); strings.Contains(got, "xpir") {
			t.Errorf("an expiry that is not known: %s", got)
		}
	}
}

// odd is every way to break out of quotes.
var odd = []string{
	`it's`, `'`, `''`, `\`, `\'`, `'\''`, `"`, `$HOME`, "`id`", `$(id)`, "a\nb", " a  b ", `!!`, `*`, `~`, `%PATH%`, `;id`, `#x`, `\\'\`, "‘’‚‛", "\t", `{a,b}`, "-n", `$'x'`, "é",
}

// The quoting of each shell, as that shell reads it.
func TestQuotingInRealShells(t *testing.T) {
	for _, tc := range []struct {
		name  string
		args  []string
		quote func(string) string
		print string
	}{
		{"sh", []string{"-c"}, quoteSh, "export V=%; printf %s. \"$V\""},
		{"bash", []string{"--norc", "-c"}, quoteSh, "export V=%; printf %s. \"$V\""},
		{"zsh", []string{"-f", "-c"}, quoteSh, "export V=%; printf %s. \"$V\""},
		{"ksh", []string{"-c"}, quoteSh, "export V=%; printf %s. \"$V\""},
		{"fish", []string{"--no-config", "-c"}, quoteFish, "set -gx V %; printf %s. $V"},
		{"pwsh", []string{"-NoProfile", "-Command"}, quotePowerShell, "$env:V = %; [Console]::Out.Write($env:V + '.')"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			shell, err := exec.LookPath(tc.name)
			if err != nil {
				if os.Getenv("GATEPASS_E2E") == "required" && (tc.name == "zsh" || tc.name == "fish") {
					t.Fatal(err)
				}
				t.Skipf("there is no %s on this machine", tc.name)
			}
			for _, value := range odd {
				before, after, _ := strings.Cut(tc.print, "%")
				c := exec.CommandContext(t.Context(), shell, append(tc.args, before+tc.quote(value)+after)...)
				c.Env = append(os.Environ(), "HOME="+t.TempDir())
				out, err := c.Output()
				if err != nil || string(out) != value+"." {
					t.Errorf("%q was read as %q (%v)", value, out, err)
				}
			}
		})
	}
}

func TestQuotingInCmd(t *testing.T) {
	if runtime.GOOS != "windows" {
		t.Skip("cmd is on Windows only")
	}
	line, err := quoteCmd("V", "eyJ.a-b_c~/+.x==")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "v.bat")
	if err := os.WriteFile(file, []byte("@"+line+"@echo %V%.\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "cmd", "/c", file).Output()
	if err != nil || strings.TrimSpace(string(out)) != "eyJ.a-b_c~/+.x==." {
		t.Errorf("%q, %v", out, err)
	}
}

// What curl sends when it is told the header in a file.
func TestCurlConfig(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl on this machine")
	}
	got := make(chan string, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-V") }))
	defer ts.Close()
	for _, value := range []string{"Bearer eyJ.a", `a"b`, `a\b`, `\"`, `#x`, `'`, `a"; url = "http://evil.example`} {
		file := filepath.Join(t.TempDir(), "curlrc")
		if err := os.WriteFile(file, []byte("header = "+quoteCurl("X-V: "+value)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := exec.CommandContext(ctx, curl, "-q", "-sS", "-K", file, ts.URL).CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%q: %v: %s", value, err, out)
		}
		if sent := <-got; sent != value {
			t.Errorf("%q was sent as %q", value, sent)
		}
	}
}

// Whatever the token is, a form is one line of its language or an error, and the
// JSON forms are JSON with it inside.
func FuzzHandout(f *testing.F) {
	for _, s := range append(odd, "eyJ.a.b", "a==", "") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h := handout()
		h.Value, h.Header = value, "Bearer "+value
		for _, form := range Forms() {
			got, err := h.Text(form)
			switch {
			case err != nil:
				continue
			case !strings.HasSuffix(got, "\n"):
				t.Errorf("%s of %q has no end", form, value)
			case strings.HasPrefix(got, "{"):
				if form != "raw" && !json.Valid([]byte(got)) {
					t.Errorf("%s of %q is %s", form, value, got)
				}
			case form != "raw" && (strings.Count(got, "\n") != 1 || !strings.Contains(got, value)):
				t.Errorf("%s of %q is %q", form, value, got)
			}
		}
	})
}
