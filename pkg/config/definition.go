package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// Definition is an API as API Gateway has it: what the api block of a profile, or
// an API file, says of it. It is made in three steps: [Profile.Definition] reads
// it, the caller fills in what it leaves open, and [Definition.Settle] completes
// it for the kind of API that it is then.
type Definition struct {
	// API holds what is written, and nothing more: what is not given is zero.
	// Routes that name no authorizer have none until SetDefault.
	API *apigw.API
	// URL is the url of an API file; that of a profile's block is the profile's.
	URL string
	// Answers say, by the name of an authorizer, who answers for it. An
	// authorizer without an entry is answered for as the profile says.
	Answers map[string]Answer
	// HasDefault says that it is said who decides about routes that name nobody;
	// API.Default.Authorizer is that authorizer, or nil for nobody.
	HasDefault bool
	// Kind says that the kind of API is given.
	Kind bool
	// Serving is for those who serve the API.
	Serving

	authorizers []*definedAuthorizer
	inherits    []int // the routes that name no authorizer
	policy      *source.Node
	node        *source.Node // nil: nothing is written
	at          map[string]place
}

// Answer is who answers for an authorizer: the policy authorizer with a file,
// somebody's function, or always the same answer.
type Answer struct {
	File     string       // path of an authorizer file, or empty
	Response *source.Node // the answer, or nil
	Function *Function    // what is run or asked, or nil
}

// place is where something is defined.
type place struct {
	errorf func(format string, args ...any) *source.Error
	node   *source.Node
}

// definitionKeys are the keys of an api block that define the API.
func definitionKeys() []string {
	return []string{
		"kind", "stage", "region", "account", "id", "partition", "authorizer", "authorizers", "routes", "scopes", "api_key", "api_keys",
		"api_key_source", "resource_policy", "gateway_responses", "stage_variables", "denial_text", "mask_account", "integration_payload",
		"jwt_descriptions", "waf_blocks", "throttle", "usage_plan", "integration", "cors", "binary_media_types",
	}
}

// Definition reads what the profile says of its API: the API file if there is one,
// else the api block. A profile that says nothing gives an empty definition. Its
// errors are *source.Error, joined, and *fault.Error for files that cannot be
// read.
func (p *Profile) Definition() (*Definition, error) {
	if p.API.File != "" && (p.block.node == nil || p.Origin("api.file").Kind >= p.block.Origin.Kind) {
		return readDefinition(p.API.File)
	}
	d := newDefinition()
	if p.block.node == nil {
		return d, nil
	}
	if err := d.read(p.block.node, p.block.dir, false); err != nil {
		return nil, err
	}
	return d, nil
}

// DefinitionOrigin is where the definition is from: what names the API file, or the
// file with the api block. Its kind is Default where there is neither.
func (p *Profile) DefinitionOrigin() Origin {
	if o := p.Origin("api.file"); p.API.File != "" && (p.block.node == nil || o.Kind >= p.block.Origin.Kind) {
		return o
	}
	return p.block.Origin
}

func newDefinition() *Definition {
	return &Definition{
		API: &apigw.API{}, Answers: map[string]Answer{}, at: map[string]place{}, Serving: Serving{Integrations: map[string]*Integration{}},
	}
}

// readDefinition reads an API file.
func readDefinition(path string) (*Definition, error) {
	n, data, err := readNode(path)
	if err != nil {
		return nil, veil(err, data)
	}
	d := newDefinition()
	d.Files = append(d.Files, path)
	if err := d.read(n, filepath.Dir(path), true); err != nil {
		return nil, veil(err, data)
	}
	return d, nil
}

// readNode reads a file that something in a settings file names.
func readNode(path string) (*source.Node, []byte, error) {
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.New(fault.Usage, "there is no file %s", path)
	}
	if err != nil {
		return nil, nil, err
	}
	n, err := source.Parse(path, data)
	return n, data, err
}

// Defined says that something is written.
func (d *Definition) Defined() bool { return d.node != nil }

// SetDefault says who decides about routes that name nobody; nil is nobody. The
// message routes of a WebSocket API are never authorized, so that only $connect
// takes it.
func (d *Definition) SetDefault(z *apigw.Authorizer) {
	d.API.Default.Authorizer = z
	for _, i := range d.inherits {
		r := &d.API.Routes[i]
		if d.API.Kind == apigw.WebSocket && r.Method != "$connect" {
			continue
		}
		r.Authorizer = z
	}
}

// Inherits reports whether some route, or every path, is decided about by the
// default authorizer.
func (d *Definition) Inherits() bool { return d.API.Routes == nil || len(d.inherits) > 0 }

// Inheriting are the routes that name no authorizer.
func (d *Definition) Inheriting() []*apigw.Route {
	list := make([]*apigw.Route, 0, len(d.inherits))
	for _, i := range d.inherits {
		list = append(list, &d.API.Routes[i])
	}
	return list
}

// AddRoute adds a route that names no authorizer, as it is written in a file:
// "GET /pets/{id}", "/{proxy+}", "$default".
func (d *Definition) AddRoute(key string) {
	method, path := splitRoute(key)
	d.inherits = append(d.inherits, len(d.API.Routes))
	d.API.Routes = append(d.API.Routes, apigw.Route{Method: method, Path: path, Access: d.API.Default})
}

// Authorizers are all that are written, named or not, in their order.
func (d *Definition) Authorizers() []*apigw.Authorizer {
	list := make([]*apigw.Authorizer, 0, len(d.authorizers))
	for _, a := range d.authorizers {
		list = append(list, a.z)
	}
	return list
}

// SetResourcePolicy puts a policy in the place of the one that is written.
func (d *Definition) SetResourcePolicy(n *source.Node) { d.policy = n }

// Settle completes the definition for the kind and the place of API, which must
// be what they are to be: types and payload formats of authorizers that are left
// open, short identity sources, short resources of the resource policy.
func (d *Definition) Settle() error {
	for _, a := range d.authorizers {
		a.settle(d.API.Kind)
	}
	if d.policy == nil {
		return nil
	}
	partition := d.API.Partition
	if partition == "" {
		partition = "aws"
	}
	var err error
	d.API.ResourcePolicy, err = policy.Parse(d.policy, policy.Options{
		Principals: true, Strict: true,
		API: "arn:" + partition + ":execute-api:" + d.API.Region + ":" + d.API.Account + ":" + d.API.ID,
	})
	return err
}

// Mistakes are the findings of severity error with their places: *source.Error
// where a file says it, else *fault.Error of kind Usage, joined. Warnings are the
// others, as one line each.
func (d *Definition) Mistakes(findings []apigw.Finding) (warnings []string, mistakes error) {
	var errs []error
	nth := map[string]int{}
	for _, f := range findings {
		err := d.mistake(f, nth[f.Where+f.ID])
		nth[f.Where+f.ID]++
		switch {
		case f.Severity != apigw.SeverityError:
			warnings = append(warnings, err.Error())
		case !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }):
			errs = append(errs, err)
		}
	}
	return warnings, inOrder(errors.Join(errs...))
}

// mistake is a finding where it was written. Of several with the same name at the
// same place it is the nth.
func (d *Definition) mistake(f apigw.Finding, nth int) error {
	at, ok := d.at[f.Where]
	if !ok || at.errorf == nil {
		return fault.New(fault.Usage, "%s: %s", f.Where, f.Message)
	}
	if n := d.blamed(f, at.node, nth); n != nil {
		return n.Errorf("%s", f.Message)
	}
	return at.errorf("%s: %s", f.Where, f.Message)
}

// blamed is the value that a finding is about, or nil.
func (d *Definition) blamed(f apigw.Finding, n *source.Node, nth int) *source.Node {
	if f.ID == "authorizer" {
		return d.blamedOfAuthorizer(f, n)
	}
	keys := map[string][]string{
		"ttl": {"ttl"}, "ttl-unused": {"ttl"}, "simple-cached": {"ttl"}, "payload-format": {"payload_format"}, "simple-responses": {"simple_responses"},
		"issuer": {"issuer", "issuers", "jwt"}, "audience": {"audience", "issuer", "issuers", "jwt"}, "audience-quota": {"audience", "issuers", "jwt"},
		"algorithms-unused": {"algorithms", "jwt"}, "expression-unused": {"validation_expression"},
		"token-source": {"identity_sources"}, "no-source": {"identity_sources"},
		"scopes-quota": {"scopes"}, "scopes-unused": {"scopes"}, "key-source": {"api_key", "api_key_source"}, "connect-only": {"authorizer"},
		"integration-payload": {"integration_payload"}, "resource-policy-size": {"resource_policy"},
		"response-type": {"gateway_responses"}, "response-status": {"gateway_responses"},
		"authorizer-name": {"authorizers"}, "authorizer-quota": {"authorizers"},
		"only-rest": {"resource_policy", "gateway_responses", "api_keys", "usage_plan", "waf_blocks", "api_key"},
	}[f.ID]
	var found []*source.Node
	for _, key := range keys {
		for _, in := range []*source.Node{n, n.Get("jwt")} {
			if v := in.Get(key); v != nil {
				found = append(found, v)
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil
	case f.ID == "only-rest" && nth < len(found): // one for each thing that only REST APIs have
		return found[nth]
	}
	return found[0]
}

// blamedOfAuthorizer finds out which setting of an authorizer keeps it from ever
// deciding: that without which the finding is not made.
func (d *Definition) blamedOfAuthorizer(f apigw.Finding, n *source.Node) *source.Node {
	i := slices.IndexFunc(d.authorizers, func(a *definedAuthorizer) bool { return "authorizer "+a.z.Name == f.Where })
	if i < 0 {
		return nil
	}
	for key, without := range map[string]func(*apigw.Authorizer){
		"validation_expression": func(z *apigw.Authorizer) { z.ValidationExpression = "" },
		"identity_sources": func(z *apigw.Authorizer) {
			z.IdentitySources = []string{identitySource(d.API.Kind, "header Authorization")}
		},
	} {
		z := *d.authorizers[i].z
		without(&z)
		if !broken(d.API.Kind, &z) {
			return n.Get(key)
		}
	}
	return n.Get("type")
}

// broken reports whether an authorizer can never decide in APIs of a kind.
func broken(k apigw.Kind, z *apigw.Authorizer) bool {
	api := apigw.API{Kind: k, Default: apigw.Access{Authorizer: z}}
	return slices.ContainsFunc(api.Validate(), func(f apigw.Finding) bool { return f.ID == "authorizer" })
}
