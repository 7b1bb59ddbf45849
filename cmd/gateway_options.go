package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/source"
)

func (b *backendFlags) add(f *pflag.FlagSet) {
	f.StringVar(&b.upstream, "upstream", "", "`URL` of the server that gets what is allowed")
	f.StringVar(&b.handler, "integration-handler", "", "`FILE` with the Lambda function that gets what is allowed: as for --handler")
	f.BoolVar(&b.echo, "echo", false, "answer with what the backend would see, whatever a file says (the default where nothing is said)")
	listVar(f, &b.headers, "context-header", "", "give the upstream a value of the context: `HEADER=KEY`; repeatable")
}

// check refuses several backends.
func (b *backendFlags) check() error {
	var given []string
	for _, x := range []struct {
		flag string
		is   bool
	}{{"--upstream", b.upstream != ""}, {"--integration-handler", b.handler != ""}, {"--echo", b.echo}} {
		if x.is {
			given = append(given, x.flag)
		}
	}
	if len(given) > 1 {
		return fault.New(fault.Usage, "%s and %s both say what stands behind the gateway: give one", given[0], given[1])
	}
	return nil
}

// options are what the flags and the profile say, and the API that is served. The
// stage must be closed.
func (g *gatewayCommand) options(ctx context.Context, p *config.Profile) (gateway.Options, *stage, error) {
	o := gateway.Options{Now: g.app.Now, Open: g.open}
	s, d, err := g.stage(ctx, p)
	if err != nil {
		return o, nil, err
	}
	if err := g.complete(&o, s, d); err != nil {
		s.close()
		return o, nil, err
	}
	return o, s, nil
}

// complete fills in the options of a stage.
func (g *gatewayCommand) complete(o *gateway.Options, s *stage, d *defined) error {
	o.API, o.Authorizers, o.Broken = s.api, s.invokers(g.app.Now), map[string]string{}
	for name, err := range d.broken {
		o.Broken[name] = err.Error()
		delete(o.Authorizers, name)
	}
	o.CORS, o.BinaryTypes = d.CORS, d.BinaryTypes
	var err error
	if len(s.p.CAFiles) > 0 {
		pem, err := readRoots(s.p.CAFiles)
		if err != nil {
			return err
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: withSystemRoots(pem)}
	}
	if o.ContextHeaders, err = contextHeaders(g.back.headers); err != nil {
		return err
	}
	if o.Base, err = basePath(g.base, o.API.Stage); err != nil {
		return err
	}
	if err := g.integrations(o, s, d); err != nil {
		return err
	}
	if len(g.back.headers) > 0 && !hasUpstream(o) {
		return fault.New(fault.Usage, "--context-header is for an upstream").WithHint("the echo backend and functions see the whole context anyway")
	}
	return nil
}

func hasUpstream(o *gateway.Options) bool {
	for _, i := range o.Integrations {
		if i.Upstream != nil {
			return true
		}
	}
	return o.Integration.Upstream != nil
}

// integrations are what stands behind the routes: flags before the file, for the
// routes that have none of their own.
func (g *gatewayCommand) integrations(o *gateway.Options, s *stage, d *defined) error {
	o.Integrations = map[string]gateway.Integration{}
	if g.back.echo {
		return nil
	}
	written := d.Integration
	switch {
	case g.back.upstream != "":
		u, err := url.Parse(g.back.upstream)
		if err != nil {
			return fault.New(fault.Usage, "--upstream is no URL").WithHint("it looks like http://127.0.0.1:3000")
		}
		o.Integration.Upstream, written = u, nil
	case g.back.handler != "":
		written = &config.Integration{Function: &config.Function{Handler: g.back.handler, Dir: g.app.Dir}}
	}
	var err error
	if written != nil {
		if o.Integration, err = g.integration(written, s); err != nil {
			return err
		}
	}
	for key, i := range d.Integrations {
		if o.Integrations[routeKeyOf(s.api, key)], err = g.integration(i, s); err != nil {
			return inRoute(key, err)
		}
	}
	return nil
}

// routeKeyOf is the key of a route as verdicts have it: its method in capitals.
func routeKeyOf(api *apigw.API, key string) string {
	method, path, ok := strings.Cut(key, " ")
	if !ok || api.Kind == apigw.WebSocket {
		return key
	}
	return strings.ToUpper(method) + " " + path
}

// inRoute says which route's integration is wrong.
func inRoute(key string, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return fault.New(f.Kind, "the integration of %s: %w", key, err).WithHint("%s", f.Hint)
}

// integration makes one integration that is written in a file ready.
func (g *gatewayCommand) integration(w *config.Integration, s *stage) (gateway.Integration, error) {
	i := gateway.Integration{Timeout: w.Timeout}
	switch {
	case w.Mock != nil:
		i.Mock = &gateway.Mock{Status: w.Mock.Status, Header: w.Mock.Headers, Body: w.Mock.Body}
	case w.Upstream != "":
		text := config.ExpandStage(w.Upstream, func(name string) (string, bool) { v, ok := s.api.StageVariables[name]; return v, ok })
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return i, fault.New(fault.Usage, "the upstream %s is no URL: %s", w.Upstream, text).WithHint("are its stage variables set? see stage_variables, and --stage-variable")
		}
		i.Upstream = u
	case w.Function != nil:
		f, err := s.behindRoute(w.Function)
		if err != nil {
			return i, err
		}
		i.Function = f.Invoke
	}
	return i, nil
}

// behindRoute opens the function of an integration, the same one for settings that
// are the same. What flags say of the authorizer's function does not touch it.
func (s *stage) behindRoute(fn *config.Function) (*userFunction, error) {
	if s.behind == nil {
		s.behind = &functions{app: s.functions.app, api: s.api}
	}
	for _, u := range s.behind.list {
		if reflect.DeepEqual(u.written, fn) {
			return u, nil
		}
	}
	return s.behind.open(fn)
}

// stage is the API that is served, with authorizers that can all answer; those that
// cannot be run are left out, with their reasons.
func (g *gatewayCommand) stage(ctx context.Context, p *config.Profile) (*stage, *defined, error) {
	d, err := g.api.define(g.app, p, hints{})
	if err != nil {
		return nil, nil, err
	}
	keys, err := issuerKeys(g.app, g.jwks, g.note)
	if err != nil {
		return nil, nil, err
	}
	d.broken = map[string]error{}
	s, err := newStage(g.app, d, nil, keys)
	if err != nil {
		return nil, nil, err
	}
	s.files = d.Files
	for _, answer := range d.Answers {
		s.files = append(s.files, answer.File)
	}
	for _, z := range s.authorizers() {
		if err := g.able(ctx, s, z); err != nil && d.broken[z.Name] == nil {
			d.broken[z.Name] = err
		}
	}
	if err := ctx.Err(); err != nil { // what was interrupted is not broken
		s.close()
		return nil, nil, err
	}
	return s, d, nil
}

// able reports an authorizer that cannot answer, or never yes. A function is loaded
// for that, which the first request then need not wait for.
func (g *gatewayCommand) able(ctx context.Context, s *stage, z *apigw.Authorizer) error {
	if err := s.answered(z); err != nil {
		return err
	}
	switch r := s.runners[z.Name]; {
	case r.ours != nil && len(r.ours.file.Expectations()) == 0:
		return noTokens(r.path)
	case r.function != nil:
		return r.function.Ready(ctx)
	}
	return nil
}

// broke notes that an authorizer cannot be run, where that is asked for. A mistake
// in a file is no such thing: it is shown where it stands.
func (d *defined) broke(z *apigw.Authorizer, err error) bool {
	var mistake *source.Error
	if d.broken == nil || errors.As(err, &mistake) {
		return false
	}
	d.broken[z.Name] = err
	return true
}

// invokers run the authorizers for a gateway. Those of AWS_IAM are left out: what
// they check cannot be checked here, which the gateway says itself.
func (s *stage) invokers(now func() time.Time) map[string]gateway.Invoke {
	all := map[string]gateway.Invoke{}
	for _, z := range s.authorizers() {
		r := s.runners[z.Name]
		if z.Type == apigw.AuthIAM || s.answered(z) != nil {
			continue
		}
		all[z.Name] = func(ctx context.Context, ev apigw.Event) (apigw.Output, string) {
			out, trace := r.run(ctx, ev, identity{now: now()})
			if trace == nil {
				return out, ""
			}
			return out, trace.Reason
		}
	}
	return all
}

// basePath reads --base-path. The default stage of an HTTP API is not in its URLs
// (AWS: "Stages for HTTP APIs").
func basePath(given, stage string) (gateway.Base, error) {
	switch {
	case given == "" && stage == "$default":
		return gateway.Base{}, nil
	case given == "":
		return gateway.Base{Path: "/" + stage, Optional: true}, nil
	case given == "/":
		return gateway.Base{}, nil
	case strings.HasPrefix(given, "/"):
		return gateway.Base{Path: strings.TrimRight(given, "/")}, nil
	}
	return gateway.Base{}, fault.New(fault.Usage, "want --base-path as /prod, or as / for none, got %q", given)
}

// contextHeaders reads --context-header HEADER=KEY.
func contextHeaders(words []string) (map[string]string, error) {
	m := make(map[string]string, len(words))
	for _, w := range words {
		name, key, ok := strings.Cut(w, "=")
		if !ok || name == "" || key == "" {
			return nil, fault.New(fault.Usage, "want --context-header HEADER=KEY, got %q", w).
				WithHint("for example X-User=principalId; KEY is one of the authorizer's context")
		}
		m[name] = key
	}
	return m, nil
}
