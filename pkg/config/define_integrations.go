package config

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// Serving is what an API definition says of serving requests that are allowed, which
// decides about none.
type Serving struct {
	// Integration is what stands behind routes that say nothing of their own; nil is
	// not said. Integrations are those of routes, by their keys.
	Integration  *Integration
	Integrations map[string]*Integration
	// CORS is the CORS configuration of an HTTP API, or nil.
	CORS *apigw.CORS
	// BinaryTypes are the binary media types of a REST API.
	BinaryTypes []string
	// Files are the paths of the files that were read for the definition.
	Files []string
}

// Integration is what stands behind a route. One of Function, Upstream, Mock and Echo
// is set.
type Integration struct {
	Function *Function
	// Upstream is a URL, in which ${stageVariables.NAME} stands for stage variables.
	Upstream string
	Mock     *Mock
	Echo     bool
	// Timeout is how long an upstream may take to begin its answer; zero: the longest
	// that API Gateway has.
	Timeout time.Duration
}

// Mock is an answer that is made up. Its body may hold variables of $context and
// $stageVariables.
type Mock struct {
	Status  int // zero: 200
	Headers map[string]string
	Body    string
}

// maxIntegration is the longest time-out of an integration that needs no quota
// increase (AWS: "Amazon API Gateway quotas"); HTTP APIs have 30 s.
const maxIntegration = 30 * time.Second

// servingFields reads what belongs to serving.
func (r *definer) servingFields() source.Fields {
	return source.Fields{
		"integration":        func(n *source.Node) { r.Integration = r.integration(n) },
		"cors":               r.cors,
		"binary_media_types": r.binaryTypes,
	}
}

// integration reads an integration: an object, or in short a URL, the file of a
// handler, or echo.
func (r *definer) integration(n *source.Node) *Integration {
	switch {
	case n.Kind == source.Null:
		return nil
	case n.Kind != source.String:
		return r.integrationObject(n)
	case n.Text == "echo":
		return &Integration{Echo: true}
	case isURL(n.Text):
		i := &Integration{}
		r.upstream(&i.Upstream)(n)
		return i
	case n.Text == "":
		err := n.Errorf("want an integration, got nothing")
		err.Hint = integrationHint
		r.Fail(err)
		return nil
	}
	return &Integration{Function: r.function(n)}
}

const integrationHint = "for example http://127.0.0.1:3000, pets.js, echo, or {mock: {status: 200, body: hello}}"

func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, stageVariable)
}

func (r *definer) integrationObject(n *source.Node) *Integration {
	i, f := &Integration{}, &Function{}
	fields := r.functionFields(f)
	fields["upstream"] = r.upstream(&i.Upstream)
	fields["mock"] = func(n *source.Node) { i.Mock = r.mock(n) }
	fields["echo"] = r.Bool(&i.Echo)
	r.Object(n, fields)
	named := slices.DeleteFunc([]string{"handler", "invoke", "function", "upstream", "mock", "echo"}, func(key string) bool {
		return !given(n, key) || key == "echo" && !i.Echo
	})
	switch {
	case len(named) == 0:
		err := n.Errorf("want an integration: a handler, invoke, function, upstream, mock or echo")
		err.Hint = integrationHint
		r.Fail(err)
	case len(named) > 1:
		r.Failf(n.Get(named[1]), "%s and %s at once: a route has one integration", named[0], named[1])
	case named[0] == "upstream":
		if i.Timeout = f.Timeout; i.Timeout > maxIntegration {
			r.Failf(n.Get("timeout"), "an integration has at most %s", maxIntegration)
		}
		r.without(n, named[0], "environment", "memory")
	case named[0] == "mock" || named[0] == "echo":
		r.without(n, named[0], "environment", "memory", "timeout")
	default:
		i.Function = r.functionOf(f, n)
	}
	return i
}

// without refuses settings that an integration has not.
func (r *definer) without(n *source.Node, what string, keys ...string) {
	for _, key := range keys {
		if given(n, key) {
			r.Failf(n.Get(key), "%s is for a function, and this is an integration of %s", key, what)
		}
	}
}

// upstream reads the URL of an upstream.
func (r *definer) upstream(to *string) func(*source.Node) {
	return func(n *source.Node) {
		r.String(to)(n)
		u, err := url.Parse(ExpandStage(*to, func(string) (string, bool) { return "1", true }))
		if len(*to) > len(stageVariable) && strings.HasPrefix(*to, stageVariable) && strings.IndexByte(*to, '}') == len(*to)-1 {
			return // the whole URL is a stage variable: what it holds is seen when it is filled in
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			e := n.Errorf("want the URL of an upstream as http://HOST:PORT or https://HOST")
			e.Hint = "for example http://127.0.0.1:3000; stage variables are written ${stageVariables.NAME}"
			r.Fail(e)
		}
	}
}

// stageVariable begins a stage variable in a URL.
const stageVariable = "${stageVariables."

// ExpandStage fills stage variables into a URL, as API Gateway does: each
// ${stageVariables.NAME} becomes its value (AWS: "Using Amazon API Gateway stage
// variables", HTTP integration URI). What has no value stays.
func ExpandStage(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, stageVariable)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, ended := strings.Cut(rest, "}")
		v, ok := value(name)
		if !ended || !ok {
			b.WriteString(stageVariable)
			text = rest
			continue
		}
		b.WriteString(v)
		text = after
	}
}

// mock reads an answer that is made up; a string is its body.
func (r *definer) mock(n *source.Node) *Mock {
	m := &Mock{}
	if n.Kind == source.String {
		m.Body = n.Text
		return m
	}
	r.Object(n, source.Fields{
		"status":  r.Int(&m.Status, 200, 599),
		"headers": r.stringMap(&m.Headers),
		"body": func(n *source.Node) {
			if n.Kind == source.Object || n.Kind == source.List {
				body, err := json.Marshal(n.Any())
				if err != nil { // a number that JSON does not have
					r.Failf(n, "want a body that can be JSON")
				}
				m.Body = string(body)
				return
			}
			r.String(&m.Body)(n)
		},
	})
	return m
}

// binaryTypes reads media types.
func (r *definer) binaryTypes(n *source.Node) {
	r.Strings(&r.BinaryTypes)(n)
	for i, t := range r.BinaryTypes {
		if kind, sub, ok := strings.Cut(t, "/"); (!ok || kind == "" || sub == "") && i < len(n.Items) {
			r.Failf(n.Items[i], "want a media type such as image/png, image/* or */*, got %q", t)
		}
	}
}

// cors reads the CORS configuration of an HTTP API. True is every origin, with the
// methods and headers that any request may have.
func (r *definer) cors(n *source.Node) {
	c := &apigw.CORS{}
	switch n.Kind {
	case source.Null:
		return
	case source.Bool:
		if n.Text == "true" {
			r.CORS = &apigw.CORS{Origins: []string{"*"}, Methods: []string{"*"}, Headers: []string{"*"}}
		}
		return
	}
	age := 0
	r.Object(n, source.Fields{
		"allow_origins": r.Strings(&c.Origins), "allow_methods": r.Strings(&c.Methods), "allow_headers": r.Strings(&c.Headers),
		"expose_headers": r.Strings(&c.Expose), "allow_credentials": r.Bool(&c.Credentials),
		"max_age": func(n *source.Node) { r.Int(&age, -1, 86400)(n); c.MaxAge = &age },
	})
	if err := c.Check(); err != nil && n.Kind == source.Object {
		r.Failf(n, "the CORS configuration: %s", err)
	}
	r.CORS = c
}
