package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func TestParseARN(t *testing.T) {
	whole := apigw.ARN{Partition: "aws", Region: "eu-west-1", Account: "123456789012", API: "abc", Stage: "prod", Method: "GET", Path: "/"}
	for text, want := range map[string]apigw.ARN{
		stageARN + "GET/":                 whole,
		stageARN + "GET/pets/a1b2":        whole.With("GET", "/pets/a1b2"),
		stageARN + "GET/a:b:c/d":          whole.With("GET", "/a:b:c/d"),
		stageARN + "GET//x/":              whole.With("GET", "//x/"),
		stageARN + "$connect":             whole.With("$connect", ""),
		stageARN + "*/*":                  whole.With("*", "/*"),
		"arn:aws-cn:execute-api:::a/b/c/": {Partition: "aws-cn", API: "a", Stage: "b", Method: "c", Path: "/"},
	} {
		got, err := apigw.ParseARN(text)
		if err != nil || got != want {
			t.Errorf("ParseARN(%q) = %+v, %v, want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%q prints as %q", text, got)
		}
	}
	for _, text := range []string{"", "arn", "arn:aws:s3:::bucket/a/b", "arn:aws:execute-api:r:a:api", "arn:aws:execute-api:r:a:api/stage", "arn:aws:execute-api:r:a:/s/GET/", "x:aws:execute-api:r:a:b/c/d/"} {
		if a, err := apigw.ParseARN(text); err == nil {
			t.Errorf("ParseARN(%q) = %+v, want an error", text, a)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add(stageARN + "GET/")
	f.Add(stageARN + "$connect")
	f.Add("arn:aws:execute-api:a:b:c/d/e/f:g//")
	f.Add(strings.Repeat(":", 10))
	f.Fuzz(func(t *testing.T, text string) {
		a, err := apigw.ParseARN(text)
		if err == nil && a.String() != text {
			t.Errorf("%q prints as %q", text, a)
		}
	})
}
