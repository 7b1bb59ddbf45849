package verify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"gatepass/pkg/fault"
)

// unreachable says why a request got no answer, telling apart what a person
// would do something different about.
func unreachable(ctx context.Context, what string, u *url.URL, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err
	}
	f := reason(what, u, err)
	f.Err = err
	return f
}

func reason(what string, u *url.URL, err error) *fault.Error {
	var dns *net.DNSError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return fault.New(fault.Network, "%s: there is no host %s", what, quote(dns.Name)).
			WithHint("check the spelling, and whether a VPN is needed to reach it")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(fault.Network, "%s: nothing answers at %s: connection refused", what, quote(u.Host)).
			WithHint("is the server running, and is the port right?")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.Network, "%s: no answer from %s within the time limit", what, quote(u.Host)).
			WithHint("check the network; a proxy is taken from HTTPS_PROXY")
	}
	if f := tlsReason(what, u, err); f != nil {
		return f
	}
	if errors.As(err, &op) {
		return fault.New(fault.Network, "%s: cannot reach %s: %v", what, quote(u.Host), op.Err)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fault.New(fault.Network, "%s: cannot get %s: %v", what, quote(u.Redacted()), err)
}

// tlsReason explains errors of TLS, or returns nil.
func tlsReason(what string, u *url.URL, err error) *fault.Error {
	var record tls.RecordHeaderError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return fault.New(fault.Network, "%s: %s does not speak TLS", what, quote(u.Host)).
			WithHint("is the port right? http instead of https is taken for this machine only")
	case errors.As(err, &name):
		return fault.New(fault.Network, "%s: the certificate of %s is for another host", what, quote(u.Host)).
			WithHint("it names %s", quote(name.Certificate.Subject.CommonName))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.New(fault.Network, "%s: the certificate of %s is not valid at this time", what, quote(u.Host)).
			WithHint("it is valid from %s to %s: is the clock right?", invalid.Cert.NotBefore.Format("2006-01-02"), invalid.Cert.NotAfter.Format("2006-01-02"))
	case errors.As(err, &unknown):
		return fault.New(fault.Network, "%s: the certificate of %s is signed by nobody this machine trusts: %s", what, quote(u.Host), presented(err)).
			WithHint("if your network inspects TLS, its own certificate must be added to the system's trusted ones")
	}
	return nil
}

// presented names who signed the chain a server presented.
func presented(err error) string {
	var v *tls.CertificateVerificationError
	if !errors.As(err, &v) || len(v.UnverifiedCertificates) == 0 {
		return "unknown"
	}
	last := v.UnverifiedCertificates[len(v.UnverifiedCertificates)-1]
	return quote(last.Issuer.String())
}

func tooLarge(what string, u *url.URL) error {
	return fault.New(fault.Network, "%s: the answer of %s is larger than the %d bytes that are read", what, quote(u.Host), maxBody)
}

func badStatus(what string, u *url.URL, status int) error {
	f := fault.New(fault.Network, "%s: %s answered %d %s", what, quote(u.Redacted()), status, http.StatusText(status))
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return f.WithHint("check the URL; that of OneLogin's second version ends in /oidc/2")
	case status >= 500:
		return f.WithHint("try again later")
	}
	return f
}
