package awsapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/awstest"
	"gatepass/pkg/awsapi/sigv4"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// credentials are AWS's own example.
func credentials() awsapi.Credentials {
	return awsapi.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), SessionToken: secret.New("a session"),
	}
}

func fixed(c awsapi.Credentials) awsapi.Provider {
	return func(context.Context) (awsapi.Credentials, error) { return c, nil }
}

// cloud is AWS on this machine, and a client of it.
func cloud(t testing.TB, change func(*awsapi.Options)) (*awstest.Cloud, *awsapi.Client) {
	t.Helper()
	c := awstest.New("eu-west-1", credentials())
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	o := awsapi.Options{
		Region: "eu-west-1", Credentials: fixed(credentials()), Sign: sigv4.Sign, Timeout: 2 * time.Second,
		Endpoint: func(string) string { return s.URL },
	}
	if change != nil {
		change(&o)
	}
	client, err := awsapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, client
}

// Every kind of request is signed rightly: the cloud makes each signature again.
func TestRequests(t *testing.T) {
	c, client := cloud(t, nil)
	ctx := t.Context()
	c.Objects["my-bucket/a folder/ü+~$&=@:,;?#.yaml"] = "object"
	c.Parameters["/gatepass/authorizer"] = "parameter"
	c.Secrets["gatepass/client"], c.Secrets["binary"] = "secret", "bytes"
	c.Items["settings/name=a b#authorizer"] = "item"
	c.Items["settings/name=a/version=2#doc"] = "sorted"

	if v, err := client.Object(ctx, "my-bucket", "a folder/ü+~$&=@:,;?#.yaml"); err != nil || string(v) != "object" {
		t.Errorf("object %q, %v", v, err)
	}
	if v, err := client.Parameter(ctx, "/gatepass/authorizer"); err != nil || v.Reveal() != "parameter" {
		t.Errorf("parameter %q, %v", v.Reveal(), err)
	}
	for id, want := range map[string]string{"gatepass/client": "secret", "binary": "bytes"} {
		if v, err := client.Secret(ctx, id); err != nil || v.Reveal() != want {
			t.Errorf("secret %s is %q, %v", id, v.Reveal(), err)
		}
	}
	if v, err := client.Item(ctx, "settings", awsapi.Key{Name: "name", Value: "a b"}, "authorizer"); err != nil || string(v) != "item" {
		t.Errorf("item %q, %v", v, err)
	}
	k := awsapi.Key{Name: "name", Value: "a", SortName: "version", SortValue: "2"}
	if v, err := client.Item(ctx, "settings", k, "doc"); err != nil || string(v) != "sorted" {
		t.Errorf("item with a sort key %q, %v", v, err)
	}
}

func TestInvoke(t *testing.T) {
	c, client := cloud(t, nil)
	c.Functions["authorizer"] = func(event []byte) ([]byte, string) { return append([]byte("got "), event...), "" }
	c.Functions["arn:aws:lambda:eu-west-1:123456789012:function:f:live"] = func([]byte) ([]byte, string) {
		return []byte(`{"errorMessage":"Unauthorized"}`), "Unhandled"
	}
	status, failure, body, err := client.Invoke(t.Context(), "authorizer", []byte(`{"a":1}`))
	if err != nil || status != 200 || failure != "" || string(body) != `got {"a":1}` {
		t.Errorf("%d %q %s %v", status, failure, body, err)
	}
	status, failure, body, err = client.Invoke(t.Context(), "arn:aws:lambda:eu-west-1:123456789012:function:f:live", []byte(`{}`))
	if err != nil || status != 200 || failure != "Unhandled" || string(body) != `{"errorMessage":"Unauthorized"}` {
		t.Errorf("%d %q %s %v", status, failure, body, err)
	}
	// A function that cannot be run is tried once: it may have run.
	c.Refuse["lambda"] = "500 ServiceException"
	before := c.Asked["lambda"]
	if _, _, _, err = client.Invoke(t.Context(), "authorizer", nil); err == nil || c.Asked["lambda"] != before+1 {
		t.Errorf("%v after %d requests", err, c.Asked["lambda"]-before)
	}
	if _, _, _, err = client.Invoke(t.Context(), "authorizer", make([]byte, awsapi.MaxPayload+1)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("an event that is too large: %v", err)
	}
	if _, _, _, err = client.Invoke(t.Context(), "", nil); err == nil {
		t.Error("no function is taken for one")
	}
}

// What AWS says against a request is told so that somebody can act on it.
func TestRefusals(t *testing.T) {
	c, client := cloud(t, nil)
	ctx := t.Context()
	for name, tc := range map[string]struct {
		refuse string
		run    func() error
		want   string
		hint   string
		asked  int
	}{
		"no permission, S3": {"403 AccessDenied", func() error { _, err := client.Object(ctx, "bucket", "key"); return err },
			"does not allow s3:GetObject on s3://bucket/key", "s3:GetObject", 1},
		"no permission, SSM": {"400 AccessDeniedException", func() error { _, err := client.Parameter(ctx, "/p"); return err },
			"does not allow ssm:GetParameter on the parameter /p", "ssm:GetParameter", 1},
		"no permission, Lambda": {"403 AccessDeniedException", func() error { _, _, _, err := client.Invoke(ctx, "f", nil); return err },
			"does not allow lambda:InvokeFunction on the function f", "lambda:InvokeFunction", 1},
		"no such object":    {"", func() error { _, err := client.Object(ctx, "bucket", "key"); return err }, "s3://bucket/key does not exist", "region", 1},
		"no such parameter": {"", func() error { _, err := client.Parameter(ctx, "p"); return err }, "the parameter p does not exist", "region", 1},
		"no such secret":    {"", func() error { _, err := client.Secret(ctx, "s"); return err }, "the secret s does not exist", "region", 1},
		"no such item": {"", func() error { _, err := client.Item(ctx, "t", awsapi.Key{Name: "a", Value: "b"}, "c"); return err },
			"the table t has no item a = b with the attribute c", "", 1},
		"no such function": {"", func() error { _, _, _, err := client.Invoke(ctx, "f", nil); return err }, "the function f does not exist", "region", 1},
		"another region": {"301 PermanentRedirect", func() error { _, err := client.Object(ctx, "bucket", "key"); return err },
			"s3://bucket/key is in another region", "", 1},
		"wrong keys": {"403 InvalidClientTokenId", func() error { _, err := client.Parameter(ctx, "p"); return err },
			"does not take the credentials", "log in", 1},
		"busy": {"400 ThrottlingException", func() error { _, err := client.Parameter(ctx, "p"); return err }, "ThrottlingException", "", 3},
		"down": {"503 ServiceUnavailable", func() error { _, err := client.Object(ctx, "bucket", "key"); return err }, "ServiceUnavailable", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []string{"s3", "ssm", "secretsmanager", "dynamodb", "lambda"} {
				c.Refuse[s] = tc.refuse
			}
			clear(c.Asked)
			err := tc.run()
			var f *fault.Error
			if !errors.As(err, &f) || !strings.Contains(f.Msg, tc.want) || !strings.Contains(f.Hint, tc.hint) {
				t.Errorf("error %v, hint %q; want %q", err, f.Hint, tc.want)
			}
			total := 0
			for _, n := range c.Asked {
				total += n
			}
			if total != tc.asked {
				t.Errorf("%d requests, want %d", total, tc.asked)
			}
		})
	}
}

// Another secret makes another signature, and the error does not show either.
func TestWrongSecret(t *testing.T) {
	_, client := cloud(t, func(o *awsapi.Options) {
		c := credentials()
		c.SecretAccessKey = secret.New("another-secret-of-somebody")
		o.Credentials = fixed(c)
	})
	_, err := client.Parameter(t.Context(), "p")
	if err == nil || !strings.Contains(err.Error(), "does not take the credentials") || strings.Contains(err.Error(), "another-secret") {
		t.Errorf("error %v", err)
	}
}

// A service that does not answer costs its time limit and no more.
func TestTimeLimit(t *testing.T) {
	c, client := cloud(t, func(o *awsapi.Options) { o.Timeout = 50 * time.Millisecond })
	c.Refuse["ssm"] = "hang"
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := client.Parameter(ctx, "p")
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Network || ctx.Err() != nil {
		t.Errorf("error %v", err)
	}
}

// Where requests go is up to region and settings, and never to what is asked for.
func TestAddresses(t *testing.T) {
	var went string
	stop := errors.New("stop")
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		went = r.URL.String()
		return nil, stop
	})
	for name, tc := range map[string]struct {
		region   string
		endpoint string
		run      func(*awsapi.Client) error
		want     string
	}{
		"a bucket": {region: "eu-west-1", run: object("my-bucket", "a/b.yaml"), want: "https://my-bucket.s3.eu-west-1.amazonaws.com/a/b.yaml"},
		"a bucket with a dot": {region: "eu-west-1", run: object("my.bucket", "b"),
			want: "https://s3.eu-west-1.amazonaws.com/my.bucket/b"},
		"an endpoint": {region: "eu-west-1", endpoint: "http://127.0.0.1:9000/", run: object("my-bucket", "b"), want: "http://127.0.0.1:9000/my-bucket/b"},
		"China":       {region: "cn-north-1", run: parameter, want: "https://ssm.cn-north-1.amazonaws.com.cn/"},
		"a function": {region: "us-east-1", run: func(c *awsapi.Client) error { _, _, _, err := c.Invoke(t.Context(), "f/../g", nil); return err },
			want: "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f%2F..%2Fg/invocations"},
		"a bucket that is a host": {region: "eu-west-1", run: object("evil.com/x", "b"), want: ""},
		"plain http":              {region: "eu-west-1", endpoint: "http://aws.example.com", run: parameter, want: ""},
		"no URL":                  {region: "eu-west-1", endpoint: "aws", run: parameter, want: ""},
	} {
		went = ""
		c, err := awsapi.New(awsapi.Options{
			Region: tc.region, Credentials: fixed(credentials()), Sign: sigv4.Sign, HTTP: &http.Client{Transport: transport},
			Endpoint: func(string) string { return tc.endpoint },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctxErr := tc.run(c)
		if ctxErr == nil || went != tc.want {
			t.Errorf("%s: went to %q, want %q; %v", name, went, tc.want, ctxErr)
		}
	}
	for _, region := range []string{"", "eu-west-1.evil.com/", "eu west", strings.Repeat("a", 50)} {
		if _, err := awsapi.New(awsapi.Options{Region: region, Credentials: fixed(credentials()), Sign: sigv4.Sign}); err == nil {
			t.Errorf("the region %q is taken", region)
		}
	}
}

func object(bucket, key string) func(*awsapi.Client) error {
	return func(c *awsapi.Client) error {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond) // not tried again
		defer cancel()
		_, err := c.Object(ctx, bucket, key)
		return err
	}
}

func parameter(c *awsapi.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Parameter(ctx, "p")
	return err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEndpoints(t *testing.T) {
	env := map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}
	e := awsapi.Endpoints(func(name string) string { return env[name] })
	if e("S3") != "http://s3" || e("SSM") != "http://all" {
		t.Errorf("%q, %q", e("S3"), e("SSM"))
	}
	env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
	if e("S3") != "" {
		t.Errorf("%q although they are to be ignored", e("S3"))
	}
}

// An answer that is too large is refused, and not read to its end.
func TestAnswersAreCapped(t *testing.T) {
	c, client := cloud(t, nil)
	c.Objects["bucket/large"] = strings.Repeat("x", awsapi.MaxAnswer+1)
	c.Objects["bucket/right"] = strings.Repeat("x", awsapi.MaxAnswer)
	if _, err := client.Object(t.Context(), "bucket", "large"); err == nil || !strings.Contains(err.Error(), "larger than") || c.Asked["s3"] != 1 {
		t.Errorf("error %v after %d requests", err, c.Asked["s3"])
	}
	if data, err := client.Object(t.Context(), "bucket", "right"); err != nil || len(data) != awsapi.MaxAnswer {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
