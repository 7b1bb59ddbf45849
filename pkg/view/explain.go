package view

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatepass/pkg/apigw"
)

// Explained is a response of an API with why it was refused.
type Explained struct {
	// Entry and Line say where a saved response stands.
	Entry  int    `json:"entry,omitempty"`
	Line   int    `json:"line,omitempty"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Status int    `json:"status"`
	// Causes are the likely ones, the best first; none where nothing was refused.
	Causes []apigw.Cause `json:"causes"`
	// Same are the entries of a text that are explained in the same words.
	Same []int `json:"-"`
	// Local is what would have been decided here; nil: nobody asked.
	Local *Local `json:"local,omitempty"`
}

// Local is what "authorize" says of a request that an API answered.
type Local struct {
	// Decided says that there was enough to decide; Why is what was missing.
	Decided bool   `json:"decided"`
	Why     string `json:"why,omitempty"`
	Allowed bool   `json:"allowed"`
	Status  int    `json:"status,omitempty"`
	// Reason is what decided, such as a statement.
	Reason string `json:"reason,omitempty"`
	// ARN is that of the request. A text spells those in Reason shorter by it.
	ARN string `json:"-"`
	// Agrees says that the API decided the same; Differences are what may be behind
	// it where not, the likeliest first.
	Agrees      bool         `json:"agrees"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a reason why an API may decide otherwise than this machine.
type Difference struct {
	ID   string `json:"id"`
	What string `json:"what"`
	Next string `json:"next,omitempty"`
}

// Explanations are the responses of a saved file.
type Explanations struct {
	SchemaVersion int         `json:"schemaVersion"`
	Responses     []Explained `json:"responses"`
}

// CauseTable is the whole table of causes.
type CauseTable struct {
	SchemaVersion int           `json:"schemaVersion"`
	Causes        []apigw.Cause `json:"causes"`
}

// Explained prints a refusal: what it means, who said it, what to do next, and what
// would have been decided here.
func (p *Printer) Explained(x *Explained) {
	status := "no answer"
	if x.Status != 0 {
		status = statusText(x.Status)
	}
	line := p.Bold(p.Outside(status))
	if name := requestName(x.Method, x.Path); name != "" {
		line += "  " + p.Outside(name)
	}
	p.Line(line)
	if len(x.Causes) == 0 {
		p.Line("  nothing was refused")
		return
	}
	p.Pairs(2, p.pairsOf(x))
	if len(x.Same) > 0 {
		p.Line("  " + p.Dim(p.Wrap(2, "and the same "+times(len(x.Same))+": "+entries(x.Same))))
	}
}

func times(n int) string {
	if n == 1 {
		return "once more"
	}
	return strconv.Itoa(n) + " times more"
}

// entries lists the numbers of the first of some entries.
func entries(list []int) string {
	const most = 8
	var names []string
	for _, n := range list[:min(len(list), most)] {
		names = append(names, strconv.Itoa(n))
	}
	text := "entries "
	if len(list) == 1 {
		text = "entry "
	}
	text += strings.Join(names, ", ")
	if len(list) > most {
		text += " and others"
	}
	return text
}

// pairsOf are the lines of a refusal.
func (p *Printer) pairsOf(x *Explained) []Pair {
	best := &x.Causes[0]
	pairs := []Pair{{"what it means", p.Outside(best.Meaning)}, {"who said it", p.Outside(whoSaid(best))}}
	for _, f := range best.Facts {
		pairs = append(pairs, Pair{"and", p.Outside(f)})
	}
	pairs = append(pairs, Pair{"what to do", p.Outside(best.Next)})
	for _, c := range x.Causes[1:] {
		pairs = append(pairs, Pair{"or", p.Outside(c.Meaning + " " + c.Next)})
	}
	if best.Inferred != "" {
		pairs = append(pairs, Pair{"inferred", p.Outside("AWS does not document " + best.Inferred)})
	}
	if x.Local == nil {
		return pairs
	}
	pairs = append(pairs, Pair{"here", p.Outside(x.Local.sentence())})
	for _, d := range x.Local.Differences {
		pairs = append(pairs, Pair{"perhaps", p.Outside(strings.TrimSpace(d.What + ". " + d.Next))})
	}
	return pairs
}

// whoSaid names who gave an answer, and by what that is known.
func whoSaid(c *apigw.Cause) string {
	text := map[apigw.Who]string{
		apigw.ByGateway: "API Gateway itself", apigw.ByAuthorizer: "the authorizer, through API Gateway",
		apigw.ByBackend: "the backend, behind API Gateway", apigw.ByBetween: "something before API Gateway", apigw.ByClient: "nobody: there was no answer",
	}[c.Who]
	if !c.Sure {
		text = "most likely " + text
	}
	if c.Sign != "" {
		text += " (" + c.Sign + ")"
	}
	return text
}

// sentence is what was decided here, in a sentence.
func (l *Local) sentence() string {
	verdict := "allows it"
	if !l.Allowed {
		verdict = "answers " + strconv.Itoa(l.Status)
	}
	switch {
	case !l.Decided:
		return "not compared with authorize: " + l.Why
	case l.Agrees:
		return fmt.Sprintf("authorize agrees, it %s: %s", verdict, shortener(l.ARN)(l.Reason))
	}
	return fmt.Sprintf("authorize DIFFERS, it %s: %s", verdict, shortener(l.ARN)(l.Reason))
}

// Refusal puts a refusal into lines of a width, for below an error: all but what to
// do next.
func Refusal(x *Explained, width int) string {
	var b strings.Builder
	p := NewPrinter(&b, false, width, nil)
	if len(x.Causes) == 0 {
		return ""
	}
	var pairs []Pair
	for _, pair := range p.pairsOf(x) {
		if pair.Name != "what to do" {
			pairs = append(pairs, pair)
		}
	}
	p.Pairs(0, pairs)
	return strings.TrimSuffix(b.String(), "\n")
}

// Causes prints the table of causes.
func (p *Printer) Causes(all []apigw.Cause) {
	for i := range all {
		c := &all[i]
		if i > 0 {
			p.Line("")
		}
		sure := ""
		if !c.Sure {
			sure = ", one of several causes"
		}
		p.Line(p.Bold(c.ID), p.Dim("("+string(c.Who)+sure+")"))
		p.Printf("  %s\n  %s\n", p.Wrap(2, c.Meaning), p.Dim(p.Wrap(2, c.Next)))
		if c.Inferred != "" {
			p.Printf("  %s\n", p.Wrap(2, p.Warn("inferred: ")+c.Inferred))
		}
	}
}

// ExplanationsJSON prints explained responses as JSON: the form of docs/json.md.
func ExplanationsJSON(w io.Writer, all []Explained) error {
	if all == nil {
		all = []Explained{}
	}
	for i := range all {
		if all[i].Causes == nil {
			all[i].Causes = []apigw.Cause{}
		}
	}
	return JSON(w, Explanations{1, all})
}
