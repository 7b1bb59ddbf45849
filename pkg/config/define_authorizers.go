package config

import (
	"maps"
	"slices"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// definedAuthorizer is an authorizer with what was left open.
type definedAuthorizer struct {
	z                              *apigw.Authorizer
	hasType, hasPayload, hasSource bool
}

// Open says what of an authorizer is left open, to be settled by its kind of API.
type Open struct{ Type, Payload, Sources bool }

// Settle completes an authorizer for a kind of API: TOKEN or REQUEST as its
// identity sources need it, the payload format that the console chooses, the
// header that nearly everybody uses, and the short forms of identity sources.
func Settle(k apigw.Kind, z *apigw.Authorizer, o Open) {
	inHeader := len(z.IdentitySources) == 0 ||
		len(z.IdentitySources) == 1 && strings.Contains(identitySource(k, z.IdentitySources[0]), ".header.") && !strings.Contains(z.IdentitySources[0], ",")
	switch {
	case !o.Type:
	case len(z.JWT.Issuers) > 0:
		z.Type = apigw.AuthJWT
	case k == apigw.REST && inHeader:
		z.Type = apigw.AuthToken
	default:
		z.Type = apigw.AuthRequest
	}
	if o.Payload && z.Type == apigw.AuthRequest && k == apigw.HTTP {
		z.PayloadFormat = "2.0"
	}
	if o.Sources && z.Type != apigw.AuthIAM {
		z.IdentitySources = []string{"header Authorization"}
	}
	for i, text := range z.IdentitySources {
		z.IdentitySources[i] = identitySource(k, text)
	}
}

func (a *definedAuthorizer) settle(k apigw.Kind) {
	Settle(k, a.z, Open{Type: !a.hasType, Payload: !a.hasPayload, Sources: !a.hasSource})
}

// identitySource writes out the short form of an identity source, which is the
// same for all kinds of APIs: "header NAME", "query NAME", "stage NAME",
// "context NAME". Everything else is left as it is.
func identitySource(k apigw.Kind, text string) string {
	place, name, ok := strings.Cut(strings.TrimSpace(text), " ")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return text
	}
	request, dollar := "method.request.", ""
	switch k {
	case apigw.HTTP:
		request, dollar = "$request.", "$"
	case apigw.WebSocket:
		request = "route.request."
	}
	switch place {
	case "header":
		return request + "header." + name
	case "query":
		return request + "querystring." + name
	case "stage":
		return dollar + "stageVariables." + name
	case "context":
		return dollar + "context." + name
	}
	return text
}

// AuthorizerTypes are the types as they are written in files and flags. AWS's own
// names are understood, too.
func AuthorizerTypes() []string { return []string{"token", "request", "cognito", "jwt", "iam", "none"} }

// ParseType reads the type of an authorizer; open says that it is none.
func ParseType(s string) (t apigw.AuthorizerType, open, ok bool) {
	switch strings.ToLower(s) {
	case "none":
		return 0, true, true
	case "cognito":
		return apigw.AuthCognito, false, true
	case "iam":
		return apigw.AuthIAM, false, true
	}
	t, err := apigw.ParseAuthorizerType(s)
	return t, false, err == nil
}

// named reads the authorizers that have names.
func (r *definer) named(n *source.Node) {
	if n.Kind != source.Object && n.Kind != source.Null {
		r.Failf(n, "want an object of authorizers by their names, got %s", n.Kind)
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if _, _, isType := ParseType(m.Key); isType || m.Key == "" || checkVisible(m.Key) != nil {
			err := m.Errorf("%q cannot be the name of an authorizer", m.Key)
			if isType {
				err.Hint = "it is a type of authorizer: " + strings.Join(AuthorizerTypes(), ", ")
			}
			r.Fail(err)
			continue
		}
		r.authorizer(m.Key, place{m.Errorf, m.Value}, m.Value)
	}
}

// defaultAuthorizer reads who decides about routes that name nobody.
func (r *definer) defaultAuthorizer(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	r.HasDefault = true
	r.API.Default.Authorizer = r.authorizerOf(n, "default")
}

// authorizerOf reads an authorizer by its name, or one that is written in place
// and gets a name.
func (r *definer) authorizerOf(n *source.Node, name string) *apigw.Authorizer {
	if n.Kind == source.String {
		return r.byName(n)
	}
	return r.authorizer(name, place{n.Errorf, n}, n)
}

// byName finds an authorizer by its name. A type stands for an authorizer of that
// type of which nothing else is said.
func (r *definer) byName(n *source.Node) *apigw.Authorizer {
	if i := slices.IndexFunc(r.authorizers, func(a *definedAuthorizer) bool { return a.z.Name == n.Text }); i >= 0 {
		return r.authorizers[i].z
	}
	t, open, ok := ParseType(n.Text)
	switch {
	case ok && open:
		return nil
	case ok:
		z := &apigw.Authorizer{Name: strings.ToLower(n.Text), Type: t}
		r.at["authorizer "+z.Name] = place{n.Errorf, n}
		r.authorizers = append(r.authorizers, &definedAuthorizer{z: z, hasType: true})
		return z
	}
	err := n.Errorf("there is no authorizer %q", n.Text)
	known := append(r.names(), "none")
	if near := source.Nearest(n.Text, known); near != "" {
		err.Hint = "did you mean " + near + "?"
	} else if len(known) > 1 {
		err.Hint = "there are " + strings.Join(known, ", ")
	} else {
		err.Hint = "name one of those in authorizers, or a type: " + strings.Join(AuthorizerTypes(), ", ") +
			"; an authorizer file is named so: {file: authorizer.yaml}"
	}
	r.Fail(err)
	return nil
}

// authorizer reads one authorizer; "none" is nobody.
func (r *definer) authorizer(name string, at place, n *source.Node) *apigw.Authorizer {
	a := &definedAuthorizer{z: &apigw.Authorizer{Name: name}}
	r.at["authorizer "+name] = at
	if n.Kind != source.Object && n.Kind != source.String {
		r.Failf(n, "want an authorizer: an object, got %s", n.Kind)
		return nil
	}
	open := false
	if n.Kind == source.String {
		open = r.authorizerType(a)(n)
	} else {
		open = r.authorizerFields(a, n)
	}
	if open {
		return nil
	}
	r.authorizers = append(r.authorizers, a)
	return a.z
}

func (r *definer) authorizerType(a *definedAuthorizer) func(*source.Node) bool {
	return func(n *source.Node) bool {
		if n.Kind == source.String {
			if t, open, ok := ParseType(n.Text); ok {
				a.z.Type, a.hasType = t, true
				return open
			}
		}
		r.word(n, AuthorizerTypes()...)
		return false
	}
}

func (r *definer) authorizerFields(a *definedAuthorizer, n *source.Node) (open bool) {
	z := a.z
	a.hasPayload, a.hasSource = given(n, "payload_format"), given(n, "identity_sources")
	ttl, answer, jwt := -1, Answer{}, jwtFields{}
	fields := r.jwtFields(&jwt)
	fields["jwt"] = func(n *source.Node) { r.Object(n, r.jwtFields(&jwt)) }
	fields["type"] = func(n *source.Node) { open = r.authorizerType(a)(n) }
	fields["identity_sources"] = r.Strings(&z.IdentitySources)
	fields["validation_expression"] = r.String(&z.ValidationExpression)
	fields["ttl"] = r.Int(&ttl, 0, 3600)
	fields["payload_format"] = r.payload(&z.PayloadFormat)
	fields["simple_responses"] = r.Bool(&z.SimpleResponses)
	fields["uri"] = r.String(&z.URI)
	fields["credentials"] = r.String(&z.Credentials)
	fields["file"] = func(n *source.Node) {
		if r.String(&answer.File)(n); answer.File != "" {
			answer.File = r.path(answer.File)
		}
	}
	fields["response"] = func(n *source.Node) { answer.Response = r.document(n) }
	function := &Function{}
	maps.Copy(fields, r.functionFields(function))
	r.Object(n, fields)
	answer.Function = r.functionOf(function, n)
	if ttl >= 0 {
		z.TTL = &ttl
	}
	z.JWT = jwt.settings()
	if answer != (Answer{}) {
		r.Answers[z.Name] = answer
	}
	r.fits(a, n, open)
	return open
}

// given reports whether a key is there with a value.
func given(n *source.Node, key string) bool {
	v := n.Get(key)
	return v != nil && v.Kind != source.Null
}

// fits refuses what cannot go together whatever the kind of API.
func (r *definer) fits(a *definedAuthorizer, n *source.Node, open bool) {
	function := !a.hasType && len(a.z.JWT.Issuers) == 0 || a.hasType && !open && (a.z.Type == apigw.AuthToken || a.z.Type == apigw.AuthRequest)
	for _, key := range append([]string{"file", "response"}, functionKeys()...) {
		if given(n, key) && !function {
			r.Failf(n.Get(key), "an authorizer of this type runs no function that could answer")
		}
	}
	r.oneAnswers(n)
	if function && len(a.z.JWT.Issuers) > 0 {
		err := n.Errorf("issuers are for authorizers of type jwt and cognito")
		err.Hint = "whose tokens a Lambda authorizer takes is its own business: an authorizer file says it in tokens"
		r.Fail(err)
	}
}

// oneAnswers refuses several who answer.
func (r *definer) oneAnswers(n *source.Node) {
	first := ""
	for _, key := range []string{"file", "response", "handler", "invoke", "function"} {
		switch {
		case !given(n, key):
		case first == "":
			first = key
		case first == "file" || first == "response": // functions among themselves: functionOf
			r.Failf(n.Get(key), "a %s and a %s at once: only one can answer", first, key)
		}
	}
}

// jwtFields are the settings of a JWT authorizer as they are written.
type jwtFields struct {
	issuers    []apigw.JWTIssuer
	audience   []string
	algorithms []string
	claims     []apigw.ClaimRule
}

// settings gives issuers that say nothing of audience and claims those that are
// said for all.
func (f *jwtFields) settings() apigw.JWTSettings {
	s := apigw.JWTSettings{Algorithms: f.algorithms, Issuers: f.issuers}
	for i := range s.Issuers {
		if s.Issuers[i].Audience == nil {
			s.Issuers[i].Audience = f.audience
		}
		if s.Issuers[i].Claims == nil {
			s.Issuers[i].Claims = f.claims
		}
	}
	if len(f.issuers) == 0 && (f.audience != nil || f.claims != nil) {
		s.Issuers = []apigw.JWTIssuer{{Audience: f.audience, Claims: f.claims}}
	}
	return s
}

func (r *definer) jwtFields(f *jwtFields) source.Fields {
	return source.Fields{
		"issuer":     r.issuers(&f.issuers),
		"issuers":    r.issuers(&f.issuers),
		"audience":   r.Strings(&f.audience),
		"algorithms": r.Strings(&f.algorithms),
		"claims":     r.claims(&f.claims),
	}
}

// issuers reads an issuer, or a list of them; one that is an object has audiences
// and claims of its own.
func (r *definer) issuers(to *[]apigw.JWTIssuer) func(*source.Node) {
	return func(n *source.Node) {
		items := []*source.Node{n}
		if n.Kind == source.List {
			items = n.Items
		}
		for _, it := range items {
			var i apigw.JWTIssuer
			if it.Kind == source.Object {
				r.Object(it, source.Fields{"issuer": r.String(&i.Issuer), "audience": r.Strings(&i.Audience), "claims": r.claims(&i.Claims)})
			} else {
				r.String(&i.Issuer)(it)
			}
			*to = append(*to, i)
		}
	}
}

// claims reads what a token must carry besides: an object of claims with the
// values that will do, or a list as CloudFormation has it.
func (r *definer) claims(to *[]apigw.ClaimRule) func(*source.Node) {
	return func(n *source.Node) {
		switch n.Kind {
		case source.Object:
			for i := range n.Members {
				rule := apigw.ClaimRule{Name: n.Members[i].Key, Required: true}
				r.Strings(&rule.Values)(n.Members[i].Value)
				*to = append(*to, rule)
			}
		case source.List:
			for _, it := range n.Items {
				rule := apigw.ClaimRule{}
				r.Object(it, source.Fields{
					"name": r.String(&rule.Name), "format": r.String(&rule.Format), "values": r.Strings(&rule.Values), "required": r.Bool(&rule.Required),
				})
				if rule.Name == "" {
					r.Failf(it, "want the name of the claim: name: tenant")
				}
				*to = append(*to, rule)
			}
		case source.Null:
		default:
			r.Failf(n, "want claims with the values that will do, got %s", n.Kind)
		}
	}
}
