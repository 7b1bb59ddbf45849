package authorizer

import (
	"fmt"
	"strings"

	"gatepass/pkg/apigw"
)

// short is a resource in its short form, "METHOD /path" or a route key of a
// WebSocket API, "$connect".
type short struct {
	method string // empty for a route key
	path   string // with its slash, or the route key
}

// parseShort reads a short resource. It is false when the text is a resource in
// its full form ("*", or an ARN). The error is one line that says what is wrong
// and how it should be.
func parseShort(text string) (s short, ok bool, err error) {
	switch {
	case text == "*", strings.HasPrefix(text, "arn:"):
		return short{}, false, checkARN(text)
	case text == "$connect":
		return short{path: text}, true, nil
	case text == "":
		return short{}, false, fmt.Errorf("an empty resource matches nothing: want METHOD /path or an ARN")
	}
	method, path, found := strings.Cut(text, " ")
	switch {
	case !found && strings.HasPrefix(text, "/"):
		return short{}, true, fmt.Errorf("want a method before the path: \"GET %s\" or \"* %s\"", text, text)
	case !found:
		return short{}, true, fmt.Errorf("want METHOD /path, such as \"GET /orders/*\", or an ARN, got %q", shorten(text))
	}
	if err := checkMethod(method); err != nil {
		return short{}, true, err
	}
	switch {
	case strings.HasPrefix(path, " "):
		return short{}, true, fmt.Errorf("want one space between the method and the path")
	case !strings.HasPrefix(path, "/"):
		return short{}, true, fmt.Errorf("a path starts with a slash: \"%s /%s\"", method, shorten(path))
	}
	return short{method, path}, true, nil
}

// checkMethod refuses what can never be the method of a request at API Gateway.
func checkMethod(m string) error {
	if m == "*" {
		return nil
	}
	for _, known := range apigw.Methods() {
		switch {
		case m == known:
			return nil
		case strings.EqualFold(m, known):
			return fmt.Errorf("methods are upper case: %s, not %s", known, m)
		}
	}
	if strings.EqualFold(m, "ANY") {
		return fmt.Errorf("%s is a word of route definitions; in a policy every method is *", m)
	}
	return fmt.Errorf("there is no method %q at API Gateway: want one of %s, or *", shorten(m), strings.Join(apigw.Methods(), ", "))
}

// checkARN refuses ARNs that can never be those of a request to an API:
// arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH. Wildcards that
// could make up for what is missing are given the benefit of the doubt; a star at
// the end of a part may run over the colons behind it (IAM User Guide, Resource
// element).
func checkARN(arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	for i, p := range parts[:min(len(parts), 5)] {
		switch {
		case strings.HasSuffix(p, "*"):
			return nil
		case i == 2 && !hasWildcard(p) && p != "execute-api":
			return fmt.Errorf("a request to an API is a resource of execute-api, not of %q", shorten(p))
		}
	}
	switch {
	case len(parts) < 6:
		return fmt.Errorf("want arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH, got %q", shorten(arn))
	case !hasWildcard(parts[5]) && strings.Count(parts[5], "/") < 2 && !strings.HasSuffix(parts[5], "/$connect"):
		return fmt.Errorf("the ARN has no method and path behind the API and stage: %q matches no request", shorten(parts[5]))
	}
	return nil
}

// hasWildcard reports whether a piece of an ARN could be more than it says.
func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?") || strings.Contains(s, "${") }

// place is the API and stage that an event is about.
type place struct {
	partition, region, account, api, stage string
}

// base is the ARN of the API and stage as a pattern, up to and with the slash
// behind the stage. What the event says of them means itself, wildcards or not.
func (p place) base() string {
	return "arn:" + literal(p.partition) + ":execute-api:" + literal(p.region) + ":" + literal(p.account) +
		":" + literal(p.api) + "/" + literal(p.stage) + "/"
}

// whole is every route of the API and stage, of whatever kind the API is.
func (p place) whole() string { return p.base() + "*" }

// expand is the full form of a short resource.
func (p place) expand(s short) string {
	if s.method == "" {
		return p.base() + s.path
	}
	return p.base() + s.method + s.path
}

// literal writes text so that a policy of version 2012-10-17 takes it as it is
// (IAM User Guide, policy variables: ${*}, ${?} and ${$}). A dollar sign means
// something only before a brace, so that the stage $default stays readable.
func literal(s string) string {
	if !strings.ContainsAny(s, "*?") && !strings.Contains(s, "${") {
		return s
	}
	return strings.NewReplacer("*", "${*}", "?", "${?}", "${", "${$}{").Replace(s)
}
