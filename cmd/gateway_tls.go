package cmd

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/login"
	"gatepass/pkg/loopback"
)

// tlsFlags say whether the gateway speaks https, and with which certificate.
type tlsFlags struct {
	https     bool
	cert, key string
}

func (t *tlsFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&t.https, "https", false, "speak https and HTTP/2, with a certificate made on the spot or that of --tls-cert")
	f.StringVar(&t.cert, "tls-cert", "", "`file` with the certificate and its chain, in PEM")
	f.StringVar(&t.key, "tls-key", "", "`file` with its key")
}

func (t *tlsFlags) on() bool { return t.https || t.cert != "" || t.key != "" }

// config is the TLS of the gateway; nil is none.
func (t *tlsFlags) config(now time.Time) (*tls.Config, error) {
	if !t.on() {
		return nil, nil
	}
	var c *tls.Certificate
	var err error
	switch {
	case (t.cert == "") != (t.key == ""):
		return nil, fault.New(fault.Usage, "a certificate needs its key: give both --tls-cert and --tls-key")
	case t.cert != "":
		c, err = login.LoadCertificate(t.cert, t.key)
	default:
		c, err = login.NewCertificate(now)
	}
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{*c}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// serveControl serves AWS's calls that flush the cache, when that is asked for. They
// have an address of their own: an API may have any path.
func (g *gatewayCommand) serveControl(ctx context.Context, r *reloader) (stop func(), err error) {
	if g.control == "" {
		return func() {}, nil
	}
	ln, err := listen(ctx, g.control)
	if err != nil {
		return nil, err
	}
	base, open := reachedAt(ln.Addr())
	if open {
		_ = ln.Close()
		return nil, fault.New(fault.Usage, "want a loopback address for --control, got %s", g.control).WithHint("for example 127.0.0.1:8081; port 0 takes a free one")
	}
	g.controlURL = base
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// What goes wrong is seen by whoever calls it.
		_ = crash.Catch(func() { _ = serve(ctx, ln, ours(r.control())) })
	}()
	return func() { cancel(); <-done }, nil
}

// control answers the calls for the API that is served now.
func (r *reloader) control() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		o := r.current.Load().options
		gateway.Control(o.API, func() {
			o.Cache.Flush()
			r.g.note("the cache of the authorizers is empty")
		}).ServeHTTP(w, req)
	})
}

// ours takes requests that name this machine, and none that a page in a browser
// makes: anybody's name can be made to lead here.
func ours(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !loopback.Is(host) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
			http.Error(w, "only for programs of this machine", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// flushCommand is the command that flushes the cache.
func flushCommand(api *apigw.API, at string) string {
	if api.Kind == apigw.REST {
		return "aws apigateway flush-stage-authorizers-cache --rest-api-id " + api.ID + " --stage-name " + api.Stage + " --endpoint-url " + at
	}
	return "aws apigatewayv2 reset-authorizers-cache --api-id " + api.ID + " --stage-name '" + api.Stage + "' --endpoint-url " + at
}
