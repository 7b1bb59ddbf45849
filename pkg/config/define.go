package config

import (
	"maps"
	"path/filepath"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// definer reads an api block or an API file.
type definer struct {
	source.Reader
	*Definition
	dir string // what relative paths are relative to
	// planKeys are those of the usage plan, which are added to the others.
	planKeys []string
}

// read reads the whole. A file of its own may say its version and its URL, too;
// the other keys of a profile's block are read with the profile.
func (d *Definition) read(n *source.Node, dir string, ownFile bool) error {
	r := &definer{Definition: d, dir: dir}
	d.node = n
	d.at["the API"] = place{n.Errorf, n}
	d.at["the default route"] = d.at["the API"]
	fields := r.fields()
	if ownFile {
		version := 0
		fields["version"] = r.Int(&version, 1, 1)
		fields["url"] = r.url
		for _, key := range []string{"token", "send", "file"} {
			fields[key] = r.notHere(key)
		}
	} else {
		for _, key := range []string{"url", "token", "send", "file"} {
			fields[key] = func(*source.Node) {} // read as settings
		}
	}
	// Routes name authorizers, which must be known by then.
	r.Object(first(n, "kind", "authorizers", "authorizer", "scopes", "api_key"), fields)
	d.API.PlanKeys = append(d.API.PlanKeys, r.planKeys...)
	r.onlyOne()
	r.needDefault()
	return inOrder(r.Err())
}

// first is an object with some of its members before the others.
func first(n *source.Node, keys ...string) *source.Node {
	sorted := *n
	sorted.Members = nil
	isFirst := map[string]bool{}
	for _, key := range keys {
		isFirst[key] = true
		for _, m := range n.Members {
			if m.Key == key {
				sorted.Members = append(sorted.Members, m)
			}
		}
	}
	for _, m := range n.Members {
		if !isFirst[m.Key] {
			sorted.Members = append(sorted.Members, m)
		}
	}
	return &sorted
}

func (r *definer) fields() source.Fields {
	a := r.API
	fields := source.Fields{
		"kind":                r.kind,
		"stage":               r.name(&a.Stage),
		"region":              r.name(&a.Region),
		"account":             r.name(&a.Account),
		"id":                  r.name(&a.ID),
		"partition":           r.name(&a.Partition),
		"authorizer":          r.defaultAuthorizer,
		"authorizers":         r.named,
		"routes":              r.routes,
		"scopes":              r.Strings(&a.Default.Scopes),
		"api_key":             r.Bool(&a.Default.APIKeyRequired),
		"api_keys":            r.Strings(&a.PlanKeys),
		"api_key_source":      r.keySource,
		"resource_policy":     r.resourcePolicy,
		"gateway_responses":   r.responses,
		"stage_variables":     r.stringMap(&a.StageVariables),
		"denial_text":         r.denial,
		"mask_account":        r.Bool(&a.MaskAccount),
		"integration_payload": r.payload(&a.IntegrationPayload),
		"jwt_descriptions":    r.stringMap(&a.JWTDescriptions),
		"waf_blocks":          r.Bool(&a.WAFBlocks),
	}
	maps.Copy(fields, r.servingFields())
	maps.Copy(fields, r.planFields())
	return fields
}

// notHere refuses a key that a profile has and an API file has not.
func (r *definer) notHere(key string) func(*source.Node) {
	return func(n *source.Node) {
		err := n.Errorf("an API file says nothing of how the API is called")
		err.Hint = key + " belongs into the profile, below api:"
		r.Fail(err)
	}
}

func (r *definer) url(n *source.Node) {
	r.String(&r.URL)(n)
	if err := checkAPI(r.URL); err != nil {
		r.Fail(at(n, err))
	}
}

// word reads one of a few words in any case.
func (r *definer) word(n *source.Node, values ...string) string {
	if n.Kind == source.String {
		for _, v := range values {
			if strings.EqualFold(v, n.Text) {
				return v
			}
		}
	}
	var unused string
	r.OneOf(&unused, values...)(n)
	return ""
}

func (r *definer) kind(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	if w := r.word(n, "rest", "http", "websocket"); w != "" {
		r.API.Kind, _ = apigw.ParseKind(w)
		r.Kind = true
	}
}

func (r *definer) keySource(n *source.Node) {
	if r.word(n, "header", "authorizer") == "authorizer" {
		r.API.APIKeySource = apigw.KeyFromAuthorizer
	}
}

func (r *definer) denial(n *source.Node) {
	if r.word(n, "current", "legacy") == "legacy" {
		r.API.Denial = apigw.LegacyText
	}
}

// name reads a part of an ARN. Slashes and colons in it would make another ARN of
// it.
func (r *definer) name(to *string) func(*source.Node) {
	return func(n *source.Node) {
		r.String(to)(n)
		if strings.ContainsAny(*to, "/: ") || checkVisible(*to) != nil {
			r.Failf(n, "want a name without slashes, colons and spaces")
		}
	}
}

// payload reads a payload format. YAML makes a number of it.
func (r *definer) payload(to *string) func(*source.Node) {
	return func(n *source.Node) {
		switch {
		case n.Kind == source.Null:
		case n.Kind != source.String && n.Kind != source.Number:
			r.Failf(n, "want 1.0 or 2.0, got %s", n.Kind)
		case n.Text == "1", n.Text == "2":
			*to = n.Text + ".0"
		default: // what API Gateway thinks of another one comes later
			*to = n.Text
		}
	}
}

// stringMap reads an object of strings.
func (r *definer) stringMap(to *map[string]string) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Object && n.Kind != source.Null {
			r.Failf(n, "want an object of names and values, got %s", n.Kind)
			return
		}
		m := map[string]string{}
		for i := range n.Members {
			var value string
			r.String(&value)(n.Members[i].Value)
			m[n.Members[i].Key] = value
		}
		*to = m
	}
}

// path is the path of a file that is written in this one.
func (r *definer) path(text string) string {
	if filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(r.dir, filepath.FromSlash(text))
}

// document reads a document that is written here, or in a file that is named
// here.
func (r *definer) document(n *source.Node) *source.Node {
	if n.Kind != source.String {
		return n
	}
	if n.Text == "" {
		r.Failf(n, "want the name of a file")
		return nil
	}
	r.Files = append(r.Files, r.path(n.Text))
	doc, _, err := readNode(r.path(n.Text))
	if err != nil {
		r.Fail(inFile(n, err))
		return nil
	}
	return doc
}

// inFile is an error about a file where its name stands, unless the error has a
// place of its own.
func inFile(n *source.Node, err error) error {
	if position(err) != (source.Position{}) {
		return err
	}
	return n.Errorf("%s", err)
}

func (r *definer) resourcePolicy(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	r.policy = r.document(n)
}

// responses reads the customised gateway responses, by their types.
func (r *definer) responses(n *source.Node) {
	if n.Kind != source.Object && n.Kind != source.Null {
		r.Failf(n, "want an object of gateway responses by their types, got %s", n.Kind)
		return
	}
	r.API.Responses = map[apigw.ResponseType]apigw.GatewayResponse{}
	for i := range n.Members {
		m := &n.Members[i]
		t := apigw.ResponseType(strings.ToUpper(m.Key))
		if _, ok := t.Default(); !ok {
			r.Fail(unknownResponse(m, t))
			continue
		}
		r.API.Responses[t] = r.response(m.Value)
	}
}

func unknownResponse(m *source.Member, t apigw.ResponseType) *source.Error {
	err := m.Errorf("there is no gateway response %q", m.Key)
	var known []string
	for _, k := range apigw.ResponseTypes() {
		known = append(known, string(k))
	}
	if near := source.Nearest(string(t), known); near != "" {
		err.Hint = "did you mean " + near + "?"
	} else {
		err.Hint = "there are " + strings.Join(known, ", ")
	}
	return err
}

// response reads a customised gateway response; a string is its body.
func (r *definer) response(n *source.Node) apigw.GatewayResponse {
	var g apigw.GatewayResponse
	if n.Kind == source.String {
		g.Templates = map[string]string{"application/json": n.Text}
		return g
	}
	var templates map[string]string
	r.Object(n, source.Fields{
		"status":  r.Int(&g.Status, 100, 599),
		"headers": r.responseHeaders(&g.Headers),
		"body": func(n *source.Node) {
			var body string
			r.String(&body)(n)
			g.Templates = map[string]string{"application/json": body}
		},
		"templates": r.stringMap(&templates),
	})
	if n.Get("body") != nil && templates != nil {
		r.Failf(n.Get("body"), "body and templates at once: body is short for the template of application/json")
	}
	if templates != nil {
		g.Templates = templates
	}
	return g
}

// responseHeaders reads response parameters. API Gateway refuses a value that is
// neither in single quotes nor a mapping.
func (r *definer) responseHeaders(to *map[string]string) func(*source.Node) {
	return func(n *source.Node) {
		r.stringMap(to)(n)
		for i := range n.Members {
			v := n.Members[i].Value
			if v.Kind != source.String || mapping(v.Text) {
				continue
			}
			err := v.Errorf("want a value in single quotes, or a mapping")
			err.Hint = `for example "'` + strings.Trim(v.Text, `'`) + `'", or method.request.header.Origin, or context.error.message`
			r.Fail(err)
		}
	}
}

// mapping reports whether a text may stand for the value of a header (AWS:
// "Gateway response types", response parameters).
func mapping(s string) bool {
	if len(s) >= 2 && strings.HasPrefix(s, "'") && strings.HasSuffix(s, "'") {
		return true
	}
	for _, prefix := range []string{"method.request.header.", "method.request.querystring.", "method.request.path.", "context.", "stageVariables."} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}
