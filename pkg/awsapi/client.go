package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
	"gatepass/pkg/netfault"
)

// Options are what a [Client] works with.
type Options struct {
	// Region is that of the services, such as eu-west-1.
	Region string
	// Credentials and Sign must be given.
	Credentials Provider
	Sign        Signer
	// Endpoint returns the address of a service by its name in the variables of
	// AWS's tools (S3, SSM, DYNAMODB, SECRETS_MANAGER, LAMBDA), or nothing for
	// AWS's own. Nil is AWS's own for all; see [Endpoints].
	Endpoint func(service string) string
	// HTTP makes the requests, within this package's limits; nil is the default.
	HTTP *http.Client
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Timeout is for one try of a request other than [Client.Invoke]; zero is 5
	// seconds.
	Timeout time.Duration
}

// The limits of an answer and of a request.
const (
	// MaxAnswer is the largest object, parameter, secret or item, in bytes, as it
	// comes.
	MaxAnswer = 2 << 20
	// MaxPayload is the largest event and answer of a function run with
	// [Client.Invoke], in bytes: what Lambda takes.
	MaxPayload = 6 << 20

	defaultTimeout = 5 * time.Second
	invokeTimeout  = 15 * time.Minute // the longest a function runs
	tries          = 3
)

// Client makes signed requests. It may be used by several goroutines.
type Client struct {
	o    Options
	http *http.Client
}

// New makes a client. Nothing is asked of anybody. The error is a *fault.Error of
// kind Usage.
func New(o Options) (*Client, error) {
	switch {
	case o.Region == "":
		return nil, fault.New(fault.Usage, "no AWS region is given").WithHint("set AWS_REGION, or region in your profile of the AWS CLI")
	case !isName(o.Region):
		return nil, fault.New(fault.Usage, "%q cannot be an AWS region", clip(o.Region)).WithHint("a region is such as eu-west-1")
	case o.Credentials == nil || o.Sign == nil:
		return nil, fault.New(fault.Failed, "requests to AWS need credentials and a signer")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	c := &Client{o: o, http: &http.Client{CheckRedirect: noRedirect}}
	if o.HTTP != nil {
		c.http.Transport = o.HTTP.Transport
	}
	return c, nil
}

// noRedirect: a signature is for one host, and S3 redirects to name another region.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// isName reports whether s is made of what names of regions are, and so cannot
// make another host of an address.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) < 40
}

// call is one request.
type call struct {
	service  string // as it is signed: s3, ssm, lambda …
	variable string // in the name of the endpoint's variable
	host     string // in front of ".REGION.amazonaws.com", when not the service
	method   string
	path     string // escaped, as it goes over the wire
	query    string
	header   http.Header
	body     []byte
	most     int // bytes of the answer
	timeout  time.Duration
	once     bool   // not to be repeated
	action   string // the permission it needs, for messages
	resource string // what for
}

// reply is an answer of a service.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do makes a request, again when the service is busy or was not reached.
func (c *Client) do(ctx context.Context, k call) (reply, error) {
	for try := 1; ; try++ {
		r, err := c.try(ctx, k)
		again := err != nil || r.status >= 500 || r.status == http.StatusTooManyRequests || throttled(r)
		if !again || k.once || try == tries || permanent(err) || !wait(ctx, time.Duration(try*try)*100*time.Millisecond) {
			return r, err
		}
	}
}

// permanent reports an error that the same request would meet again.
func permanent(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind != fault.Network
}

// wait waits, and is false when the context ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (c *Client) try(ctx context.Context, k call) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	req, err := c.request(ctx, k)
	if err != nil {
		return reply{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, unreachable(req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(k.most)+1))
	switch {
	case err != nil:
		return reply{}, unreachable(req.URL, err)
	case len(body) > k.most:
		return reply{}, fault.New(fault.Usage, "the answer of %s is larger than the %d bytes that are read", clip(req.URL.Host), k.most)
	}
	return reply{resp.StatusCode, resp.Header, body}, nil
}

// request makes the signed request.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	address, err := c.address(k)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, k.method, address, bytes.NewReader(k.body))
	if err != nil {
		return nil, fault.New(fault.Usage, "%s is no URL", clip(address))
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	cred, err := c.o.Credentials(ctx)
	switch {
	case errors.Is(err, ErrNone):
		return nil, &fault.Error{
			Kind: fault.Usage, Msg: ErrNone.Error(), Err: err,
			Hint: "log in with the AWS CLI, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		}
	case err != nil:
		return nil, err
	}
	sum := sha256.Sum256(k.body)
	hash := hex.EncodeToString(sum[:])
	if k.service == "s3" { // which wants it said
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	return req, c.o.Sign(ctx, cred, req, hash, k.service, c.o.Region, c.o.Now())
}

// address is where a request goes.
func (c *Client) address(k call) (string, error) {
	base := ""
	if c.o.Endpoint != nil {
		base = c.o.Endpoint(k.variable)
	}
	if base == "" {
		host := k.host
		if host == "" {
			host = k.service
		}
		base = "https://" + host + "." + c.o.Region + "." + domain(c.o.Region)
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fault.New(fault.Usage, "the endpoint %q of %s is no URL of a service", clip(base), k.variable)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback.Is(u.Hostname())):
		// An item or secret would be readable on the way, and could be changed.
		return "", fault.New(fault.Usage, "the endpoint %q of %s must be https; http is for this machine only", clip(base), k.variable)
	}
	address := strings.TrimSuffix(base, "/") + k.path
	if k.query != "" {
		address += "?" + k.query
	}
	return address, nil
}

// domain is that of AWS's partition (AWS General Reference, service endpoints).
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func unreachable(u *url.URL, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	c := netfault.Of(err, clip(u.Host))
	return &fault.Error{Kind: fault.Network, Msg: "AWS: " + c.Why, Hint: c.Do, Err: err}
}

// clip shortens text from outside for a message.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
