package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"sync"

	"gatepass/pkg/fault"
)

// maxRoots is the most that is read of a file with certificates, in bytes. The
// whole list of a system has about 250 kB.
const maxRoots = 4 << 20

// trust makes requests to issuers trust the certificates in PEM files besides
// those of the system.
func (app *App) trust(files []string) error {
	if len(files) == 0 {
		return nil
	}
	pem, err := readRoots(files)
	if err != nil {
		return err
	}
	client := http.Client{}
	if app.HTTP != nil {
		client = *app.HTTP
	}
	client.Transport = trusting(client.Transport, pem)
	app.HTTP = &client
	return nil
}

// readRoots reads files with certificates, each of which must have one.
func readRoots(files []string) ([]byte, error) {
	var all []byte
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(err)
		}
		data, err := readUpTo(f, path, maxRoots)
		f.Close()
		switch {
		case err != nil:
			return nil, err
		case !x509.NewCertPool().AppendCertsFromPEM(data):
			return nil, fault.New(fault.Usage, "there is no certificate in %s", path).
				WithHint("want PEM: -----BEGIN CERTIFICATE-----")
		}
		all = append(append(all, data...), '\n')
	}
	return all, nil
}

// trusting is a transport that trusts some more certificates. Those of the system
// are read when the first request is made: most commands make none.
func trusting(base http.RoundTripper, pem []byte) http.RoundTripper {
	return lazyTransport(sync.OnceValue(func() http.RoundTripper {
		if base == nil {
			base = http.DefaultTransport
		}
		known, ok := base.(*http.Transport)
		if !ok {
			return base
		}
		own := known.Clone()
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		own.TLSClientConfig.RootCAs = withSystemRoots(pem)
		return own
	}))
}

// withSystemRoots are the certificates of the system and some more.
func withSystemRoots(pem []byte) *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM(pem)
	return roots
}

type lazyTransport func() http.RoundTripper

// RoundTrip makes the request with the transport that there is by then.
func (t lazyTransport) RoundTrip(r *http.Request) (*http.Response, error) { return t().RoundTrip(r) }
