package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gatepass/pkg/awsapi"
)

// The kinds of places.
const (
	inFile    = "file"
	inS3      = "s3"
	inSSM     = "ssm"
	inSecrets = "secretsmanager"
	inDynamo  = "dynamodb"
)

// place is where a document is:
//
//	authorizer.yaml                           a file of the zip, or an absolute path
//	s3://BUCKET/KEY                           an object
//	ssm:NAME                                  a parameter of Systems Manager
//	secretsmanager:ID                         a secret
//	dynamodb://TABLE/KEY=VALUE[/SORT=VALUE][#ATTRIBUTE]
//
// In the last one names and values are written as in a URL (%2F for a slash); the
// attribute is "authorizer" unless it is named.
type place struct {
	kind      string
	name      string // path, bucket, parameter, secret or table
	key       string // of S3
	item      awsapi.Key
	attribute string
}

// parsePlace reads a place. The error is one line that says what is wrong with it.
func parsePlace(text string) (place, error) {
	scheme, rest, found := strings.Cut(text, ":")
	if !found || len(scheme) < 2 { // C:\…
		return place{kind: inFile, name: text}, nil
	}
	plain := strings.TrimPrefix(rest, "//")
	switch scheme {
	case inS3:
		bucket, key, _ := strings.Cut(plain, "/")
		if plain == rest || bucket == "" || key == "" {
			return place{}, fmt.Errorf("want s3://BUCKET/KEY, got %q", clip(text))
		}
		return place{kind: inS3, name: bucket, key: key}, nil
	case inSSM, inSecrets:
		// ssm:///path/name, as URLs have it, and ssm:/path/name or ssm:name.
		if plain == "" || strings.HasSuffix(plain, "/") {
			return place{}, fmt.Errorf("want %s:NAME, got %q", scheme, clip(text))
		}
		return place{kind: scheme, name: plain}, nil
	case inDynamo:
		return parseItem(text, rest, plain)
	}
	return place{}, fmt.Errorf("want a file, s3://…, ssm:…, secretsmanager:… or dynamodb://…, got %q", clip(text))
}

func parseItem(text, rest, plain string) (place, error) {
	wrong := fmt.Errorf("want dynamodb://TABLE/KEY=VALUE, with /SORT=VALUE where the table has a sort key, got %q", clip(text))
	plain, attribute, named := strings.Cut(plain, "#")
	if !named {
		attribute = "authorizer"
	}
	parts := strings.Split(plain, "/")
	if plain == rest || len(parts) < 2 || len(parts) > 3 || parts[0] == "" || attribute == "" {
		return place{}, wrong
	}
	p := place{kind: inDynamo, name: parts[0], attribute: attribute}
	for i, part := range parts[1:] {
		name, value, ok := strings.Cut(part, "=")
		name, err1 := url.PathUnescape(name)
		value, err2 := url.PathUnescape(value)
		if !ok || err1 != nil || err2 != nil || name == "" || value == "" {
			return place{}, wrong
		}
		if i == 0 {
			p.item.Name, p.item.Value = name, value
		} else {
			p.item.SortName, p.item.SortValue = name, value
		}
	}
	return p, nil
}

// String is the place as messages call it.
func (p place) String() string {
	switch p.kind {
	case inFile:
		return p.name
	case inS3:
		return "s3://" + p.name + "/" + p.key
	case inDynamo:
		return "dynamodb://" + p.name + "/" + p.item.Name + "=" + p.item.Value + "#" + p.attribute
	}
	return p.kind + ":" + p.name
}

// isFile reports whether the document is in the zip, which never changes.
func (p place) isFile() bool { return p.kind == inFile }

// store gets documents.
type store struct {
	root string // where the zip is unpacked
	most int64  // bytes of a document
	aws  func() (*awsapi.Client, error)
}

// read gets the document of a place.
func (s store) read(ctx context.Context, p place) ([]byte, error) {
	if p.isFile() {
		return s.readFile(p.name)
	}
	c, err := s.aws()
	if err != nil {
		return nil, err
	}
	switch p.kind {
	case inS3:
		return c.Object(ctx, p.name, p.key)
	case inSSM:
		v, err := c.Parameter(ctx, p.name)
		return []byte(v.Reveal()), err
	case inSecrets:
		v, err := c.Secret(ctx, p.name)
		return []byte(v.Reveal()), err
	}
	return c.Item(ctx, p.name, p.item, p.attribute)
}

func (s store) readFile(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.root, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, s.most+1))
	if err == nil && int64(len(data)) > s.most {
		return nil, fmt.Errorf("%s is larger than the %d bytes that are read", name, s.most)
	}
	return data, err
}
