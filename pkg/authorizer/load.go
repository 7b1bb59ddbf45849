package authorizer

import (
	"strings"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// Refusal is what becomes of a request whose token does not count.
type Refusal uint8

// The refusals.
const (
	Unauthorized Refusal = iota // 401: the authorizer fails with exactly "Unauthorized"
	Deny                        // 403: the authorizer returns an explicit Deny
)

// String is the refusal as the file has it.
func (r Refusal) String() string { return [...]string{"unauthorized", "deny"}[r] }

// File is an authorizer file, read and checked. It is immutable, and safe for
// concurrent use.
type File struct {
	tokens    []Expectation
	source    Source
	principal template
	context   []contextEntry
	refuse    Refusal
	policy    *policy.Document
	findings  []policy.Finding
}

// Load reads an authorizer file. It is strict: unknown keys, wrong types, unknown
// variables, condition operators that do not exist and resources that can match no
// request are errors. The error joins every mistake as a *source.Error with its
// position, up to a sensible number.
func Load(n *source.Node) (*File, error) {
	r := new(source.Reader)
	l := loader{r: r, f: &File{source: DefaultSource()}}
	l.read(n)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return l.f, nil
}

type loader struct {
	r *source.Reader
	f *File
}

func (l *loader) read(n *source.Node) {
	version := 0
	l.f.principal = template{{claim: "sub"}}
	l.r.Object(n, source.Fields{
		"version":   l.r.Int(&version, 1, 1),
		"tokens":    l.tokens,
		"source":    readSource(l.r, &l.f.source),
		"principal": l.principal,
		"context":   l.context,
		"refuse":    l.refuse,
		"policy":    l.policy,
	})
	if n.Kind != source.Object {
		return
	}
	if n.Get("version") == nil {
		e := n.Errorf("the version of the file is missing")
		e.Hint = "write: version: 1"
		l.r.Fail(e)
	}
	if n.Get("policy") == nil {
		e := n.Errorf("there is no policy")
		e.Hint = "the key policy holds an IAM policy, with Version and Statement"
		l.r.Fail(e)
	}
	l.lint(n)
}

func (l *loader) refuse(n *source.Node) {
	var word string
	l.r.OneOf(&word, "unauthorized", "deny")(n)
	if word == "deny" {
		l.f.refuse = Deny
	}
}

func (l *loader) principal(n *source.Node) {
	if n.Kind != source.String || strings.TrimSpace(n.Text) == "" {
		err := n.Errorf("want whom the backend is to see, as text")
		err.Hint = "for example: principal: ${jwt:sub}"
		l.r.Fail(err)
		return
	}
	l.f.principal = parseTemplate(l.r, n)
}
