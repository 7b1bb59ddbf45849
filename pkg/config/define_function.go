package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// The limits of a Lambda function's settings (AWS: "Lambda quotas").
const (
	maxFunctionTimeout = 15 * time.Minute
	minFunctionMemory  = 128 // MB
	maxFunctionMemory  = 10240
)

// Function is a Lambda function that is run here or asked for an answer. One of
// Handler, Invoke and Name is set.
type Function struct {
	// Handler names a file: "simple.js", "auth.py#check", "bootstrap"; or a handler
	// as Lambda has it, "src/auth.handler". It is relative to Dir.
	Handler string
	Dir     string
	// Invoke is the URL of Lambda's Invoke API.
	Invoke string
	// Name is the name or ARN of a function in AWS.
	Name string

	Environment map[string]string
	Timeout     time.Duration // zero: Lambda's own, 3 s
	Memory      int           // MB; zero: Lambda's own, 128
}

// IsHandler reports whether a file is code to be run, and not a document, by its
// name.
func IsHandler(file string) bool {
	file, _, _ = strings.Cut(file, "#")
	switch strings.ToLower(filepath.Ext(file)) {
	case ".js", ".cjs", ".mjs", ".py":
		return true
	}
	return false
}

// functionKeys are the keys that only make sense with a function.
func functionKeys() []string {
	return []string{"handler", "invoke", "function", "environment", "timeout", "memory"}
}

// functionFields reads the settings of a function, for objects that have others
// besides.
func (r *definer) functionFields(f *Function) source.Fields {
	return source.Fields{
		"handler": func(n *source.Node) {
			if r.String(&f.Handler)(n); f.Handler != "" {
				f.Dir = r.dir
			}
		},
		"invoke":      r.invokeURL(&f.Invoke),
		"function":    r.String(&f.Name),
		"environment": r.environment(&f.Environment),
		"timeout": func(n *source.Node) {
			r.Duration(&f.Timeout)(n)
			if f.Timeout > maxFunctionTimeout {
				r.Failf(n, "a function has at most %s", maxFunctionTimeout)
			}
		},
		"memory": r.Int(&f.Memory, minFunctionMemory, maxFunctionMemory),
	}
}

// function reads a function that is written by itself: the file of a handler, or
// an object. Nil comes with a mistake.
func (r *definer) function(n *source.Node) *Function {
	f := &Function{}
	fields := r.functionFields(f)
	if n.Kind == source.String {
		fields["handler"](n)
	} else {
		r.Object(n, fields)
	}
	return r.functionOf(f, n)
}

// functionOf completes what functionFields have read of an object; nil where the
// object names no function.
func (r *definer) functionOf(f *Function, n *source.Node) *Function {
	named := 0
	for _, s := range []string{f.Handler, f.Invoke, f.Name} {
		if s != "" {
			named++
		}
	}
	switch {
	case named == 1:
		r.ofHandler(f, n)
		return f
	case named > 1:
		err := n.Errorf("only one can answer: a handler, an address to invoke, or a function in AWS")
		err.Hint = "give one of handler, invoke and function"
		r.Fail(err)
		return nil
	}
	for _, key := range functionKeys()[3:] {
		if given(n, key) {
			err := n.Get(key).Errorf("%s is for a function, and none is named", key)
			err.Hint = "name one: handler: simple.js, invoke: http://127.0.0.1:9000, or function: NAME"
			r.Fail(err)
		}
	}
	return nil
}

// ofHandler refuses settings of a process for a function that runs elsewhere.
func (r *definer) ofHandler(f *Function, n *source.Node) {
	for _, key := range []string{"environment", "memory"} {
		if f.Handler == "" && given(n, key) {
			r.Failf(n.Get(key), "%s is for a handler that is run here: a function elsewhere has its own", key)
		}
	}
}

// invokeURL reads the address of an Invoke API.
func (r *definer) invokeURL(to *string) func(*source.Node) {
	return func(n *source.Node) {
		r.String(to)(n)
		u, err := url.Parse(*to)
		if *to != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) {
			e := n.Errorf("want the URL of an Invoke API")
			e.Hint = "for example http://127.0.0.1:9000, or http://127.0.0.1:3001/2015-03-31/functions/NAME/invocations"
			r.Fail(e)
		}
	}
}

// environment reads the variables of a function.
func (r *definer) environment(to *map[string]string) func(*source.Node) {
	return func(n *source.Node) {
		r.stringMap(to)(n)
		for i := range n.Members {
			if err := CheckVariable(n.Members[i].Key); err != nil {
				r.Fail(n.Members[i].Errorf("%s", err))
			}
		}
	}
}

// CheckVariable reports a name that no environment variable can have.
func CheckVariable(name string) error {
	if name == "" || strings.ContainsAny(name, "= \t\r\n\x00") || checkVisible(name) != nil {
		return fmt.Errorf("%q cannot be the name of an environment variable", name)
	}
	return nil
}
