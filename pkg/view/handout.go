package view

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Handout is a token on its way to another program, and what the forms it may
// take need to know.
type Handout struct {
	Type   string    // access or id
	Value  string    // the token
	Expiry time.Time // zero where it is not known
	Field  string    // the header field it is sent in
	Header string    // that field's value
	API    string    // base URL of the API it is for; may be empty
	Name   string    // of the environment variable
	Shell  string    // of Shells
	// ExecInfo is KUBERNETES_EXEC_INFO, by which kubectl says which version of
	// the form it takes. It may be empty.
	ExecInfo string
}

// Forms are the forms a token is handed out in.
func Forms() []string {
	return []string{"raw", "header", "json", "env", "netrc", "curl", "kubernetes", "aws"}
}

// Shells are those that the form env is written for. The first four are one
// language in this.
func Shells() []string { return []string{"sh", "bash", "zsh", "ksh", "fish", "powershell", "cmd"} }

// Text is the token in a form of Forms, with the line feed at its end. The error
// says why the token cannot be had in it.
func (h Handout) Text(form string) (string, error) {
	switch form {
	case "json":
		return h.token()
	case "raw":
		return h.Value + "\n", nil
	}
	// All others go to where one odd character would change what is said.
	if !bearer(h.Value) {
		return "", fmt.Errorf("the token has characters that no bearer token has (RFC 6750 section 2.1): it can be had as raw or json only")
	}
	switch form {
	case "header":
		return h.Field + ": " + h.Header + "\n", nil
	case "env":
		return h.variable()
	case "netrc":
		return h.netrc()
	case "curl":
		return "header = " + quoteCurl(h.Field+": "+h.Header) + "\n", nil
	case "kubernetes":
		return h.kubernetes()
	case "aws":
		return h.process()
	}
	return "", fmt.Errorf("there is no form %q", form)
}

// bearer reports whether a token is a b64token of RFC 6750 section 2.1.
func bearer(s string) bool {
	body := strings.TrimRight(s, "=")
	return body != "" && strings.IndexFunc(body, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("-._~+/", r)
	}) < 0
}

func (h Handout) token() (string, error) {
	v := Token{SchemaVersion: 1, Type: h.Type, Token: h.Value, TokenType: "Bearer"}
	if !h.Expiry.IsZero() {
		at := h.Expiry.UTC()
		v.ExpiresAt = &at
	}
	return indented(v)
}

func indented(v any) (string, error) {
	var b strings.Builder
	err := JSON(&b, v)
	return b.String(), err
}

// variable sets and exports an environment variable, in the words of a shell.
func (h Handout) variable() (string, error) {
	switch h.Shell {
	case "fish":
		return "set -gx " + h.Name + " " + quoteFish(h.Value) + "\n", nil
	case "powershell":
		return "$env:" + h.Name + " = " + quotePowerShell(h.Value) + "\n", nil
	case "cmd":
		return quoteCmd(h.Name, h.Value)
	}
	return "export " + h.Name + "=" + quoteSh(h.Value) + "\n", nil
}

// quoteSh quotes for POSIX shells: between single quotes nothing means anything
// but their end.
func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFish quotes for fish, whose single quotes know two escapes.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quotePowerShell quotes for PowerShell, which takes several characters for a
// single quote; each is doubled.
func quotePowerShell(s string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'"
}

// quoteCmd sets a variable in cmd.exe, which has no way to quote some characters.
func quoteCmd(name, value string) (string, error) {
	if strings.ContainsAny(value, "\"%!^&|<>\r\n") {
		return "", fmt.Errorf("the token has characters that cmd cannot be told in quotes")
	}
	return `set "` + name + "=" + value + "\"\r\n", nil
}

// quoteCurl quotes a value for a curl configuration file.
func quoteCurl(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`).Replace(s) + `"`
}

// netrc is an entry for the API's host, as the password. What reads it sends it by
// HTTP Basic authentication.
func (h Handout) netrc() (string, error) {
	u, err := url.Parse(h.API)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("an entry of netrc is for a host, and no API is set")
	}
	return "machine " + u.Hostname() + " login oauth2 password " + h.Value + "\n", nil
}

// kubernetes is an ExecCredential, what kubectl wants of a credential plugin, in
// the version that it asks for.
func (h Handout) kubernetes() (string, error) {
	const group = "client.authentication.k8s.io/"
	versions := []string{group + "v1", group + "v1beta1"}
	version := versions[0]
	if h.ExecInfo != "" {
		var info struct {
			APIVersion string `json:"apiVersion"`
		}
		if err := json.Unmarshal([]byte(h.ExecInfo), &info); err != nil || !slices.Contains(versions, info.APIVersion) {
			return "", fmt.Errorf("KUBERNETES_EXEC_INFO wants no version that is known: known are %s", strings.Join(versions, " and "))
		}
		version = info.APIVersion
	}
	type status struct {
		Expiration string `json:"expirationTimestamp,omitempty"`
		Token      string `json:"token"`
	}
	return indented(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Status     status `json:"status"`
	}{version, "ExecCredential", status{stamp(h.Expiry), h.Value}})
}

// process is in the manner of AWS's credential_process: its Version and
// Expiration, with the token. It holds no AWS access key, because OneLogin gives
// none.
func (h Handout) process() (string, error) {
	return indented(struct {
		Version    int
		Token      string
		TokenType  string
		Expiration string `json:",omitempty"`
	}{1, h.Value, "Bearer", stamp(h.Expiry)})
}

// stamp is a time as machines read it, or nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
