package cmd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// timeFlag reads a point in time; an empty one is now.
func timeFlag(flag, value string, now func() time.Time) (time.Time, error) {
	if value == "" {
		return now(), nil
	}
	if sec, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Unix(sec, 0), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, value, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Usage, "%s: %q is no time", flag, value).
		WithHint("write 2026-11-22T12:00:00Z, 2026-11-22 13:00 (local time), or seconds since 1970")
}

// parseHeaders reads header lines, "Name: value".
func parseHeaders(lines []string) (map[string][]string, error) {
	h := map[string][]string{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(line, "\r\n\x00") {
			return nil, fault.New(fault.Usage, "--header wants 'Name: value', not %q", cutText(line, 40))
		}
		addHeader(h, name, strings.TrimSpace(value))
	}
	return h, nil
}

// addHeader adds a value of a header, which has the spelling it came in first: a server
// takes two spellings for one header, in their order.
func addHeader(h map[string][]string, name, value string) {
	for have := range h {
		if strings.EqualFold(have, name) {
			name = have
			break
		}
	}
	h[name] = append(h[name], value)
}

// hasHeader reports whether a header is there, without regard to case.
func hasHeader(h map[string][]string, name string) bool {
	for k := range h {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// carriesToken reports whether a header line is where the authorizer looks for
// the token.
func carriesToken(line string, s authorizer.Source) bool {
	name, _, _ := strings.Cut(line, ":")
	return s.Place == authorizer.Header && strings.EqualFold(strings.TrimSpace(name), s.Name)
}

// withHint gives an error a hint, in place of the one it has.
func withHint(err error, format string, args ...any) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	with := *f
	return with.WithHint(format, args...)
}

// shortClaims is a few claims in one line.
func shortClaims(n *source.Node) string {
	var parts []string
	for _, m := range n.Members {
		parts = append(parts, fmt.Sprintf("%s=%v", m.Key, m.Value.Any()))
	}
	return cutText(strings.Join(parts, " "), 120)
}

// cutText shortens text to so many characters.
func cutText(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// tokenFlag reads the value of --token: @FILE, - for standard input, or, with a
// warning, the token itself.
func tokenFlag(app *App, value string) (string, error) {
	text := value
	switch {
	case value == "-", strings.HasPrefix(value, "@"):
		data, err := readFile(app, strings.TrimPrefix(value, "@"), token.MaxSize)
		if err != nil {
			return "", err
		}
		text = string(data)
	default:
		fmt.Fprintln(app.IO.Err, "gatepass: a token on the command line can be read by everybody on this machine: better --token @FILE, or -")
	}
	found, err := token.Find(text)
	if err != nil {
		return "", err
	}
	app.Secrets.Add(found.Token)
	return found.Token.Reveal(), nil
}
