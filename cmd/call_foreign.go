package cmd

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/fault"
)

// callFlagError is flagError for a command that people type from their habits with
// curl, HTTPie and xh: a flag of those gets told what there is instead.
func callFlagError(c *cobra.Command, err error) error {
	said := flagError(c, err)
	var unknown *pflag.NotExistError
	var f *fault.Error
	if errors.As(err, &unknown) && errors.As(said, &f) {
		if instead := insteadOf(unknown.GetSpecifiedName()); instead != "" {
			return f.WithHint("%s", instead)
		}
	}
	return said
}

// insteadOf is what there is instead of another tool's flag, by its long name or
// its letter, or nothing.
func insteadOf(flag string) string {
	if hint := insteadOfRequest(flag); hint != "" {
		return hint
	}
	switch flag {
	case "x", "proxy", "proxy-user", "U", "noproxy":
		return "the proxy is the one in the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY"
	case "4", "ipv4", "6", "ipv6":
		return "IPv6 and IPv4 are both tried"
	case "0", "http1.0", "http2", "http2-prior-knowledge", "http3", "http-version":
		return "HTTP/2 is spoken where the server does; --http1.1 keeps to HTTP/1.1"
	case "tlsv1.2", "tlsv1.3", "tls-max", "ssl":
		return "TLS 1.2 and 1.3 are spoken, as the server does"
	case "verify":
		return "certificates are always checked; trust the server's: --cacert FILE"
	case "follow":
		return "-L follows redirects"
	case "location-trusted":
		return "-L follows redirects; the token goes to the API and nowhere else"
	case "offline":
		return "--dry-run shows what would be sent"
	case "curl":
		return "--print curl prints a command for curl"
	}
	return insteadOfAnswer(flag)
}

// insteadOfRequest is insteadOf for flags that say what is sent.
func insteadOfRequest(flag string) string {
	switch flag {
	case "T", "upload-file":
		return "gatepass call PUT /path --data-binary @FILE"
	case "c", "cookie-jar", "session", "session-read-only":
		return "cookies are not kept; -b name=value sends them"
	case "e", "referer":
		return "-H 'Referer: URL'"
	case "range":
		return "-H 'Range: bytes=0-499'"
	case "C", "continue", "continue-at":
		return "-H 'Range: bytes=N-' asks for the rest"
	case "a", "auth", "auth-type", "bearer", "oauth2-bearer", "n", "netrc":
		return "the token of your login is sent; another one: --token @FILE"
	case "aws-sigv4":
		return "requests are not signed: call is for APIs that take a token"
	case "E", "cert", "key":
		return "certificates of clients are not sent"
	case "url":
		return "the path or URL has no flag: gatepass call /path"
	case "j", "raw":
		return "items make JSON anyway; other text: --data-raw TEXT"
	case "multipart", "form-string":
		return "gatepass call /path --form name=text name@FILE"
	}
	return ""
}

// insteadOfAnswer is insteadOf for flags that say what becomes of the answer.
func insteadOfAnswer(flag string) string {
	switch flag {
	case "headers", "h", "D", "dump-header":
		return "-i shows the headers, too; -I asks for them alone"
	case "body":
		return "the body is what is printed anyway; without that of an error: -f"
	case "p", "pretty", "style", "format-options", "all":
		return "on a terminal JSON is laid out, and headers are there with -i; elsewhere: --jq ."
	case "download", "J", "remote-header-name":
		return "-O writes to a file named as the path ends, -o FILE to another"
	case "N", "no-buffer", "stream":
		return "what comes is shown as it comes"
	case "fail-with-body", "fail-early", "check-status":
		return "a status of 400 and above is an exit code anyway, 3 or 8; -f leaves the body out"
	case "#", "progress-bar", "no-progress-meter":
		return "a long transfer shows its progress by itself; -s does not"
	case "trace", "trace-ascii", "trace-time":
		return "-v shows what is sent and received"
	}
	return ""
}
