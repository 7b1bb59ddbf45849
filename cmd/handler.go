package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/lambdarun"
	"gatepass/pkg/token"
)

// functionFlags name a Lambda function that answers for the default authorizer.
type functionFlags struct {
	handler, invoke, name string
	env                   []string
	timeout               time.Duration
}

func (f *functionFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.handler, "handler", "", "run your own function: `FILE[#EXPORT]` in Node or Python, or an executable bootstrap")
	fs.StringVar(&f.invoke, "invoke", "", "ask the function behind Lambda's Invoke API at a `URL`")
	fs.StringVar(&f.name, "function", "", "ask the function with this `name` or ARN in AWS, with your AWS credentials")
	listVar(fs, &f.env, "env", "", "environment variable of the handler, `NAME=VALUE`, or NAME for the one you have; repeatable")
	fs.DurationVar(&f.timeout, "handler-timeout", 0, "`time` limit of the function (default 3s)")
}

// given is the function that the flags name, or nil.
func (f *functionFlags) given(app *App) (*config.Function, error) {
	named := []string{}
	for _, x := range []struct{ flag, value string }{{"--handler", f.handler}, {"--invoke", f.invoke}, {"--function", f.name}} {
		if x.value != "" {
			named = append(named, x.flag)
		}
	}
	switch {
	case len(named) > 1:
		return nil, fault.New(fault.Usage, "%s and %s both say who answers: give one", named[0], named[1])
	case len(named) == 0 && (f.env != nil || f.timeout != 0):
		// They may be for a function that a file names.
		return nil, f.checkEnv(app, nil)
	case len(named) == 0:
		return nil, nil
	}
	if f.env != nil && f.handler == "" {
		return nil, fault.New(fault.Usage, "--env is for a handler that is run here: a function elsewhere has its own environment")
	}
	return &config.Function{Handler: f.handler, Dir: app.Dir, Invoke: f.invoke, Name: f.name}, nil
}

// named says that the flags name a function.
func (f *functionFlags) named() bool { return f.handler != "" || f.invoke != "" || f.name != "" }

// change puts what the flags say of a function into it.
func (f *functionFlags) change(app *App, fn *config.Function) error {
	if f.timeout < 0 || f.timeout > lambdarun.MaxTimeout {
		return fault.New(fault.Usage, "want --handler-timeout up to %s, got %s", lambdarun.MaxTimeout, f.timeout)
	}
	if f.timeout > 0 {
		fn.Timeout = f.timeout
	}
	return f.checkEnv(app, fn)
}

// checkEnv reads --env, into a function if there is one.
func (f *functionFlags) checkEnv(app *App, fn *config.Function) error {
	env := map[string]string{}
	for _, text := range f.env {
		name, value, ok := strings.Cut(text, "=")
		if err := config.CheckVariable(name); err != nil {
			return fault.New(fault.Usage, "--env: %w", err).WithHint("for example --env AUDIENCE=orders, or --env AWS_PROFILE to pass on your own")
		}
		if !ok {
			if value = app.Getenv(name); value == "" {
				return fault.New(fault.Usage, "--env %s: you have no such variable to pass on", cutText(name, 40)).
					WithHint("give it a value: --env %s=VALUE", cutText(name, 40))
			}
		}
		env[name] = value
	}
	if fn != nil && len(env) > 0 {
		all := maps.Clone(fn.Environment)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, env)
		fn.Environment = all
	}
	return nil
}

// authorizerFile is the path of the profile's authorizer file, or empty: what the
// setting names may be a handler.
func authorizerFile(p *config.Profile) string {
	if config.IsHandler(p.Authorizer) {
		return ""
	}
	return p.Authorizer
}

// functions are the Lambda functions of a stage. Equal ones are one.
type functions struct {
	app   *App
	flags *functionFlags
	api   *apigw.API
	list  []*userFunction
	mu    sync.Mutex // lines of logs come one by one
}

// userFunction is somebody's function, and where it is written.
type userFunction struct {
	*lambdarun.Function
	written *config.Function
	name    string // for people, short
	project bool   // only a project's file names it

	tell atomic.Pointer[func(line string)] // hears its log, too
}

// open makes a function ready to be invoked. Nothing is started yet.
func (fs *functions) open(written *config.Function) (*userFunction, error) {
	for _, u := range fs.list {
		if u.written == written {
			return u, nil
		}
	}
	fn := *written
	if fs.flags != nil {
		if err := fs.flags.change(fs.app, &fn); err != nil {
			return nil, err
		}
	}
	u := &userFunction{written: written, name: shortName(&fn)}
	o := lambdarun.Options{
		Handler: fn.Handler, URL: fn.Invoke, Env: fn.Environment, Timeout: fn.Timeout, Memory: fn.Memory, Dir: fn.Dir, Name: fn.Name,
		Getenv: fs.app.Getenv, LookPath: exec.LookPath, HTTP: fs.app.HTTP, Region: fs.api.Region, Account: fs.api.Account,
		Log: func(line string) { fs.log(u, line) },
	}
	if fn.Name != "" {
		var err error
		if o.Remote, err = fs.app.inAWS(fn.Name, fs.api.Region); err != nil {
			return nil, err
		}
	}
	var err error
	if u.Function, err = lambdarun.New(o); err != nil {
		return nil, err
	}
	if file := u.File(); file != "" {
		u.name = filepath.Base(file) // which auth.handler does not say
	}
	fs.list = append(fs.list, u)
	return u, nil
}

// shortName is a function in a word or two, for the lines of its log.
func shortName(fn *config.Function) string {
	switch {
	case fn.Handler != "":
		file, _, _ := strings.Cut(fn.Handler, "#")
		return filepath.Base(file)
	case fn.Invoke != "":
		return fn.Invoke
	}
	return fn.Name
}

// log shows a line that a function printed.
func (fs *functions) log(u *userFunction, line string) {
	line = iostreams.Visible(strings.ReplaceAll(fs.app.Secrets.Text(line), "\t", "  "))
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if tell := u.tell.Load(); tell != nil {
		(*tell)(line)
	}
	fmt.Fprintf(fs.app.IO.Err, "%s| %s\n", iostreams.Visible(u.name), line)
}

// listen has the log of a function told to somebody, too, until stop is called.
func (u *userFunction) listen(tell func(line string)) (stop func()) {
	u.tell.Store(&tell)
	return func() { u.tell.Store(nil) }
}

// close ends all processes of the functions.
func (fs *functions) close() {
	for _, u := range fs.list {
		u.Close()
	}
}

// httpLimit is how long an HTTP API waits for a Lambda authorizer (AWS: "Quotas for
// configuring and running an HTTP API"). How long the others wait is not documented.
const httpLimit = 10 * time.Second

// answer runs a function for an event.
func (u *userFunction) answer(ctx context.Context, ev apigw.Event) apigw.Output {
	if ev.Kind == apigw.EventHTTP1 || ev.Kind == apigw.EventHTTP2 {
		late, stop := context.WithTimeoutCause(ctx, httpLimit, errors.New("an HTTP API waits 10 s for its authorizer, and no longer"))
		defer stop()
		ctx = late
	}
	data, err := json.Marshal(ev)
	if err != nil {
		return apigw.NotInvokedOutput("the event cannot be written: " + err.Error())
	}
	return u.Invoke(ctx, data)
}

// longestWord is how long a --token may be that is taken for a made-up word and not
// for a token, in characters.
const longestWord = 24

// isWord reports whether the value of --token is a word that somebody made up to try
// a function with, such as allow, and no secret: it is short and no JSON Web Token.
func isWord(value string) bool {
	return len(value) <= longestWord && !strings.HasPrefix(value, "@") && value != "-" && !strings.Contains(value, "eyJ")
}

// functionOf is the function that answers for an authorizer, or nil.
func (s *stage) functionOf(z *apigw.Authorizer) *userFunction {
	if z == nil {
		return nil
	}
	return s.runners[z.Name].function
}

// claimsForFunction refuses made-up claims for a function, which looks at tokens.
func claimsForFunction(u *userFunction) error {
	return fault.New(fault.Usage, "made-up claims are for authorizer files: %s wants a token", u.name).
		WithHint("give it one: --token allow for a made-up word, --token @FILE for a real one")
}

// tokenFor reads --token for requests that an authorizer decides about. A function
// may take any text for a token: a word will do for it.
func (s *stage) tokenFor(app *App, z *apigw.Authorizer, value string) (string, error) {
	if s.functionOf(z) != nil && isWord(value) {
		return value, nil
	}
	return tokenFlag(app, value)
}

// asSent is the scheme with which a token is sent. To a function only JSON Web Tokens
// go with one: a word is compared with the whole header.
func (s *stage) asSent(z *apigw.Authorizer, raw, scheme string) string {
	if s.functionOf(z) == nil {
		return scheme
	}
	if t, err := token.Decode(raw); err != nil || t.Kind == token.Opaque {
		return ""
	}
	return scheme
}

// mayRun reports a function that must not have the stored token. One that the user
// names by a flag or in the own settings may. A project's file is not enough:
// anybody can publish one, with an authorizer of theirs. It counts where the login
// is for the project's API.
func (s *stage) mayRun(ctx context.Context, app *App, u *userFunction) error {
	if !u.project {
		return nil
	}
	sess := newSession(app)
	if err := sess.mayCall(ctx, s.p); err != nil {
		return err
	}
	info, err := sess.store.Info(sess.key(s.p))
	if err != nil || slices.Contains(info.APIs, apiOrigin(s.p)) {
		return nil //nolint:nilerr // without a login there is no token
	}
	known := "no API"
	if len(info.APIs) > 0 {
		known = strings.Join(info.APIs, ", ")
	}
	return fault.New(fault.Usage, "the login with the profile %s is for %s, and the function %s of a project's settings is not known to be that API's",
		s.p.Name, known, u.name).
		WithHint("name it yourself: --handler, or give it another token: --token @FILE. Or set api.url, and log in again for that API")
}
