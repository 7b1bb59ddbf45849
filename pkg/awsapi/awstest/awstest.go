// Package awstest is AWS in memory, for tests: the few requests that package awsapi
// makes, answered by an http.Handler that checks every signature by making it again
// with the signer of AWS's SDK.
package awstest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/sigv4"
)

// Cloud is the part of AWS that a test sets up. Its maps are read and written under
// Lock.
type Cloud struct {
	sync.Mutex
	// Credentials are those that requests must be signed with, Region what they are
	// for.
	Credentials awsapi.Credentials
	Region      string

	Objects    map[string]string // "BUCKET/KEY"
	Parameters map[string]string
	Secrets    map[string]string // the one with the name binary is so
	// Items are string attributes by "TABLE/KEY=VALUE#ATTRIBUTE", with "/SORT=VALUE"
	// behind the value for a sort key.
	Items map[string]string
	// Functions answer events: with a document, and how they failed.
	Functions map[string]func(event []byte) (answer []byte, functionError string)
	// Refuse are statuses and codes with which services (s3, ssm, …) refuse all
	// requests, such as "403 AccessDenied"; "hang" never answers.
	Refuse map[string]string

	// Asked counts requests by service.
	Asked map[string]int
}

// New is an empty cloud.
func New(region string, c awsapi.Credentials) *Cloud {
	return &Cloud{
		Credentials: c, Region: region, Objects: map[string]string{}, Parameters: map[string]string{}, Secrets: map[string]string{},
		Items: map[string]string{}, Functions: map[string]func([]byte) ([]byte, string){}, Refuse: map[string]string{}, Asked: map[string]int{},
	}
}

// ServeHTTP answers a request to any of the services.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	service, err := c.signed(r, body)
	if err != nil {
		fail(w, service, 403, "SignatureDoesNotMatch", err.Error())
		return
	}
	c.Lock()
	c.Asked[service]++
	refuse := c.Refuse[service]
	c.Unlock()
	switch {
	case refuse == "hang":
		<-r.Context().Done()
	case refuse != "":
		var status int
		var code string
		_, _ = fmt.Sscan(refuse, &status, &code)
		fail(w, service, status, code, "refused by the test")
	default:
		c.serve(w, r, service, body)
	}
}

// signed checks the signature of a request, and says for which service it is.
func (c *Cloud) signed(r *http.Request, body []byte) (string, error) {
	auth := r.Header.Get("Authorization")
	_, scope, _ := strings.Cut(auth, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/") // KEY/DATE/REGION/SERVICE/aws4_request
	_, names, _ := strings.Cut(auth, "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if len(parts) != 5 || err != nil {
		return "", fmt.Errorf("not signed: %q", auth)
	}
	again := r.Clone(r.Context())
	again.URL.Host, again.URL.Scheme = r.Host, "http"
	again.Header = http.Header{}
	for name := range strings.SplitSeq(names, ";") {
		if v := r.Header.Values(name); len(v) > 0 && !strings.HasPrefix(name, "x-amz-security") {
			again.Header[http.CanonicalHeaderKey(name)] = v
		}
	}
	sum := sha256.Sum256(body)
	if err := sigv4.Sign(r.Context(), c.Credentials, again, hex.EncodeToString(sum[:]), parts[3], c.Region, at); err != nil {
		return "", err
	}
	if want := again.Header.Get("Authorization"); want != auth {
		return parts[3], fmt.Errorf("want %s, got %s", want, auth)
	}
	return parts[3], nil
}

func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, service string, body []byte) {
	switch target := r.Header.Get("X-Amz-Target"); {
	case service == "s3" && r.Method == http.MethodGet:
		c.answer(w, service, "NoSuchKey", c.Objects, strings.TrimPrefix(r.URL.Path, "/"), func(v string) any { return v })
	case target == "AmazonSSM.GetParameter":
		var in struct {
			Name           string
			WithDecryption bool
		}
		if json.Unmarshal(body, &in) != nil || !in.WithDecryption {
			fail(w, service, 400, "ValidationException", "want Name and WithDecryption")
			return
		}
		c.answer(w, service, "ParameterNotFound", c.Parameters, in.Name, func(v string) any {
			return map[string]any{"Parameter": map[string]any{"Name": in.Name, "Type": "SecureString", "Value": v, "Version": 1}}
		})
	case target == "secretsmanager.GetSecretValue":
		var in struct{ SecretId string }
		_ = json.Unmarshal(body, &in)
		c.answer(w, service, "ResourceNotFoundException", c.Secrets, in.SecretId, func(v string) any {
			if in.SecretId == "binary" {
				return map[string]any{"Name": in.SecretId, "SecretBinary": []byte(v)}
			}
			return map[string]any{"Name": in.SecretId, "SecretString": v}
		})
	case target == "DynamoDB_20120810.GetItem":
		c.item(w, body)
	case service == "lambda" && r.Method == http.MethodPost:
		c.invoke(w, r, body)
	default:
		fail(w, service, 400, "UnknownOperationException", target)
	}
}

// answer answers with a value of a map in the form of a service.
func (c *Cloud) answer(w http.ResponseWriter, service, missing string, from map[string]string, name string, form func(string) any) {
	c.Lock()
	v, ok := from[name]
	c.Unlock()
	if !ok {
		status := 400
		if service == "s3" {
			status = 404
		}
		fail(w, service, status, missing, "there is no "+name)
		return
	}
	if raw, ok := form(v).(string); ok {
		_, _ = io.WriteString(w, raw)
		return
	}
	_ = json.NewEncoder(w).Encode(form(v))
}

func (c *Cloud) item(w http.ResponseWriter, body []byte) {
	var in struct {
		TableName                string
		Key                      map[string]struct{ S string }
		ExpressionAttributeNames map[string]string
		ProjectionExpression     string
	}
	_ = json.Unmarshal(body, &in)
	attribute := in.ExpressionAttributeNames[in.ProjectionExpression]
	c.Lock()
	defer c.Unlock()
	for name, v := range c.Items {
		key, a, _ := strings.Cut(name, "#")
		parts := strings.Split(key, "/")
		matches := parts[0] == in.TableName && a == attribute && len(parts)-1 == len(in.Key)
		for _, p := range parts[1:] {
			k, want, _ := strings.Cut(p, "=")
			matches = matches && in.Key[k].S == want
		}
		if matches {
			_ = json.NewEncoder(w).Encode(map[string]any{"Item": map[string]any{attribute: map[string]string{"S": v}}})
			return
		}
	}
	_, _ = io.WriteString(w, "{}") // as DynamoDB answers for what is not there
}

func (c *Cloud) invoke(w http.ResponseWriter, r *http.Request, event []byte) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/invocations")
	c.Lock()
	f := c.Functions[name]
	c.Unlock()
	if f == nil {
		fail(w, "lambda", 404, "ResourceNotFoundException", "Function not found: "+name)
		return
	}
	answer, failure := f(event)
	if failure != "" {
		w.Header().Set("X-Amz-Function-Error", failure)
	}
	_, _ = w.Write(answer)
}

// fail refuses in the form of a service.
func fail(w http.ResponseWriter, service string, status int, code, text string) {
	if service == "s3" {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, text) //nolint:gosec // G705: a test is told what it asked for
		return
	}
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws." + service + "#" + code, "message": text})
}
