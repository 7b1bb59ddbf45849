package awsapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Object gets an object of S3 (GetObject).
func (c *Client) Object(ctx context.Context, bucket, key string) ([]byte, error) {
	segments := strings.Split(key, "/")
	for i := range segments {
		segments[i] = escape(segments[i])
	}
	k := call{
		service: "s3", variable: "S3", method: http.MethodGet, path: "/" + strings.Join(segments, "/"),
		most: MaxAnswer, timeout: c.o.Timeout,
		action: "s3:GetObject", resource: "s3://" + clip(bucket) + "/" + clip(key),
	}
	switch own := c.o.Endpoint == nil || c.o.Endpoint("S3") == ""; {
	case !isBucket(bucket) || key == "":
		return nil, fault.New(fault.Usage, "want s3://BUCKET/KEY, got %s", k.resource)
	case own && !strings.Contains(bucket, "."): // a certificate covers one label
		k.host = bucket + ".s3"
	default:
		k.path = "/" + bucket + k.path
	}
	r, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if r.status != http.StatusOK {
		return nil, refused(k, r)
	}
	return r.body, nil
}

// isBucket reports whether a name can be that of a bucket (S3 User Guide, general
// purpose bucket naming rules), and so cannot make another host of an address.
func isBucket(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && (c != '.' || i == 0 || s[i-1] == '.') {
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 63 && !strings.HasSuffix(s, ".")
}

// Parameter gets a parameter of Systems Manager, decrypted (GetParameter). The name
// is as in Systems Manager, with its slashes, or an ARN; a version or label may
// follow a colon.
func (c *Client) Parameter(ctx context.Context, name string) (secret.String, error) {
	var out struct {
		Parameter struct{ Value string }
	}
	err := c.json(ctx, call{
		service: "ssm", variable: "SSM", action: "ssm:GetParameter", resource: "the parameter " + clip(name),
	}, "AmazonSSM.GetParameter", "1.1", map[string]any{"Name": name, "WithDecryption": true}, &out)
	return secret.New(out.Parameter.Value), err
}

// Secret gets the text of a secret of Secrets Manager (GetSecretValue), by name or ARN. A
// binary one is taken as text.
func (c *Client) Secret(ctx context.Context, id string) (secret.String, error) {
	var out struct {
		SecretString string
		SecretBinary []byte
	}
	err := c.json(ctx, call{
		service: "secretsmanager", variable: "SECRETS_MANAGER", action: "secretsmanager:GetSecretValue", resource: "the secret " + clip(id),
	}, "secretsmanager.GetSecretValue", "1.1", map[string]any{"SecretId": id}, &out)
	return secret.New(out.SecretString + string(out.SecretBinary)), err // one of them
}

// Key is the partition key of an item of DynamoDB, and its sort key where the table
// has one. Both are strings.
type Key struct {
	Name, Value         string
	SortName, SortValue string
}

// Item gets a text attribute of an item of DynamoDB (GetItem, a consistent read): of
// type string, or binary, which is taken as text.
func (c *Client) Item(ctx context.Context, table string, key Key, attribute string) ([]byte, error) {
	type value struct {
		S *string `json:",omitempty"`
		B *string `json:",omitempty"`
	}
	keys := map[string]value{key.Name: {S: &key.Value}}
	if key.SortName != "" {
		keys[key.SortName] = value{S: &key.SortValue}
	}
	var out struct{ Item map[string]value }
	k := call{service: "dynamodb", variable: "DYNAMODB", action: "dynamodb:GetItem", resource: "the table " + clip(table)}
	err := c.json(ctx, k, "DynamoDB_20120810.GetItem", "1.0", map[string]any{
		"TableName": table, "Key": keys, "ConsistentRead": true,
		"ProjectionExpression": "#a", "ExpressionAttributeNames": map[string]string{"#a": attribute},
	}, &out)
	if err != nil {
		return nil, err
	}
	v := out.Item[attribute]
	switch {
	case len(out.Item) == 0:
		return nil, fault.New(fault.Usage, "the table %s has no item %s = %s with the attribute %s", clip(table), clip(key.Name), clip(key.Value), clip(attribute))
	case v.S != nil:
		return []byte(*v.S), nil
	case v.B != nil:
		if data, err := base64.StdEncoding.DecodeString(*v.B); err == nil {
			return data, nil
		}
	}
	return nil, fault.New(fault.Usage, "the attribute %s of the item in %s is neither a string nor binary", clip(attribute), clip(table))
}

// json calls a service whose requests and answers are JSON.
func (c *Client) json(ctx context.Context, k call, target, version string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	k.method, k.path, k.body, k.most, k.timeout = http.MethodPost, "/", body, MaxAnswer, c.o.Timeout
	k.header = http.Header{"Content-Type": {"application/x-amz-json-" + version}, "X-Amz-Target": {target}}
	r, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	if r.status != http.StatusOK {
		return refused(k, r)
	}
	if json.Unmarshal(r.body, out) != nil {
		return fault.New(fault.Network, "the answer to %s is not the JSON of AWS", k.action)
	}
	return nil
}
