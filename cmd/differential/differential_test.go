package differential

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

const (
	asked       = 24_000
	defaultSeed = 20261122
)

// need skips the test unless all it needs is installed.
func need(t *testing.T) {
	t.Helper()
	missing := lacking()
	switch {
	case missing == "":
	case os.Getenv("GATEPASS_E2E") == "required":
		t.Fatalf("the differential test cannot run: %s", missing)
	default:
		t.Skipf("the differential test does not run here: %s", missing)
	}
}

func lacking() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "Node.js is not installed"
	}
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return "Node.js 20 or newer is needed, this is " + version
	}
	if _, err := os.Stat(filepath.Join("node_modules", "@cloud-copilot", "iam-simulate")); err != nil {
		return `@cloud-copilot/iam-simulate is not installed: run "npm ci" in cmd/differential`
	}
	return ""
}

// answer is what an evaluator says: an effect, or "refused" about the policy.
type answer struct {
	Decision string `json:"decision"`
	Why      string `json:"why"`
}

// ours asks pkg/policy, both with and without a trace.
func ours(t *testing.T, q *question) answer {
	t.Helper()
	n, err := source.JSON("policy", q.policyJSON())
	if err != nil {
		return answer{"refused", err.Error()}
	}
	doc, err := policy.Parse(n, policy.Options{Strict: true, Principals: q.Principal != nil})
	if err != nil {
		return answer{"refused", err.Error()}
	}
	r := policy.Request{Action: q.Action, Resource: q.Resource, Keys: policy.Keys{}}
	for key, values := range q.Context {
		r.Keys.Set(key, values...)
	}
	if q.Principal != nil {
		r.Principal = *q.Principal
	}
	explained := doc.Explain(&r)
	if quick := doc.Decide(&r); quick != explained.Effect {
		t.Errorf("Decide says %v, Explain %v: %s", quick, explained.Effect, q.line())
	}
	why, _ := json.Marshal(explained.Statements)
	return answer{explained.Effect.String(), string(why)}
}

func allOurs(t *testing.T, list []*question) []answer {
	out := make([]answer, len(list))
	for i, q := range list {
		out[i] = ours(t, q)
	}
	return out
}

// other is the other evaluator, running.
type other struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func startOther(t *testing.T) *other {
	t.Helper()
	c := exec.CommandContext(t.Context(), "node", "worker.mjs")
	c.Env = append(os.Environ(), "TZ=UTC")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Cancel, c.WaitDelay = in.Close, 10*time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Wait() // the test's context has ended, so its input has
		if stderr.Len() > 0 {
			t.Logf("worker.mjs said:\n%s", &stderr)
		}
	})
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	return &other{in, s}
}

// ask asks many questions; the answers are in their order.
func (o *other) ask(t *testing.T, list []*question) []answer {
	t.Helper()
	go func() {
		w := bufio.NewWriter(o.in)
		for _, q := range list {
			_, _ = w.Write(append(q.line(), '\n'))
		}
		_ = w.Flush()
	}()
	answers := make([]answer, len(list))
	for i := range answers {
		if !o.out.Scan() {
			t.Fatalf("the other evaluator stopped after %d of %d answers: %v", i, len(list), o.out.Err())
		}
		if err := json.Unmarshal(o.out.Bytes(), &answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

// difference is a question that the two answer differently.
type difference struct {
	q            *question
	ours, theirs answer
	tries        []try
}

// try is the question in the words of rules.
type try struct {
	rules string
	q     *question
}

// TestDifferential: pkg/policy and the other evaluator agree, but for the
// differences that rules lists. DIFFERENTIAL_SEED asks other questions.
func TestDifferential(t *testing.T) {
	need(t)
	seed := uint64(defaultSeed)
	if s := os.Getenv("DIFFERENTIAL_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	list := make([]*question, asked)
	for i := range list {
		list[i] = g.question()
	}
	o := startOther(t)
	var differ []*difference
	answers := map[string]int{}
	mine := make(chan []answer)
	go func() { mine <- allOurs(t, list) }()
	theirs := o.ask(t, list)
	for i, a := range <-mine {
		answers[a.Decision]++
		if a.Decision != theirs[i].Decision {
			differ = append(differ, &difference{q: list[i], ours: a, theirs: theirs[i]})
		}
	}
	accepted := explain(t, o, differ)
	report(t, seed, answers, len(differ), accepted)
}

// explain names every difference by the rule that accepts it.
func explain(t *testing.T, o *other, differ []*difference) map[string]int {
	t.Helper()
	accepted := map[string]int{}
	var tries []*question
	for _, d := range differ {
		d.tries = translations(d.q)
		for _, x := range d.tries {
			tries = append(tries, x.q)
		}
	}
	said := o.ask(t, tries)
	unexplained := 0
	for _, d := range differ {
		name := brokenRule(d)
		for i, x := range d.tries {
			if name == "" && said[i].Decision == d.ours.Decision && ours(t, x.q).Decision == d.ours.Decision {
				name = x.rules
			}
		}
		said = said[len(d.tries):]
		if name != "" {
			accepted[name]++
			continue
		}
		if unexplained++; unexplained <= 10 {
			t.Errorf("unexplained: pkg/policy says %s, the other %s (%s)\n%s\n%s%s", d.ours.Decision, d.theirs.Decision, d.theirs.Why, d.q.line(), d.ours.Why, last(d))
		}
	}
	if unexplained > 0 {
		t.Errorf("%d differences are unexplained", unexplained)
	}
	return accepted
}

func last(d *difference) string {
	if len(d.tries) == 0 {
		return ""
	}
	x := d.tries[len(d.tries)-1]
	return fmt.Sprintf("\ntranslated by %s:\n%s", x.rules, x.q.line())
}

// brokenRule is the rule for a policy that only we refuse.
func brokenRule(d *difference) string {
	for _, r := range rules() {
		if d.q.broken != "" && d.ours.Decision == "refused" && slices.Contains(r.broken, d.q.broken) {
			return r.name
		}
	}
	return ""
}

// translations are the question in the words of each rule alone, of each two of
// them, and of all.
func translations(q *question) []try {
	if q.broken != "" {
		return nil
	}
	var apply []rule
	for _, r := range rules() {
		if r.translate != nil && r.translate(q.clone()) {
			apply = append(apply, r)
		}
	}
	var list, pairs []try
	for i, r := range apply {
		list = append(list, translate(q, r.name, r))
		for _, s := range apply[i+1:] {
			pairs = append(pairs, translate(q, "two of these together", r, s))
		}
	}
	return append(append(list, pairs...), translate(q, "three or more of these together", withoutBroken()...))
}

// withoutBroken is all rules that translate: one may apply only to what another
// has made.
func withoutBroken() []rule {
	return slices.DeleteFunc(rules(), func(r rule) bool { return r.translate == nil })
}

func translate(q *question, name string, with ...rule) try {
	c := q.clone()
	for _, r := range with {
		r.translate(c)
	}
	return try{name, c}
}

// report prints the totals, and fails when the questions were not worth asking.
func report(t *testing.T, seed uint64, answers map[string]int, differ int, accepted map[string]int) {
	t.Helper()
	total, explained := 0, 0
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		total += answers[name]
		fmt.Fprintf(&b, "  %6d %s\n", answers[name], name)
	}
	fmt.Fprintf(&b, "accepted differences:\n")
	for _, name := range slices.Sorted(maps.Keys(accepted)) {
		explained += accepted[name]
		fmt.Fprintf(&b, "  %6d %s\n", accepted[name], name)
	}
	t.Logf("seed %d: %d asked, %d agreed, %d accepted differences, %d unexplained\n%s", seed, total, total-differ, explained, differ-explained, &b)
	for _, want := range []string{"allowed", "explicitly-denied", "implicitly-denied", "refused"} {
		if answers[want] < total/50 {
			t.Errorf("only %d of %d questions are %s: the generator asks too little", answers[want], total, want)
		}
	}
	for _, r := range rules() {
		if accepted[r.name] == 0 && seed == defaultSeed {
			t.Errorf("no question needs the rule %q: drop it, or ask for it", r.name)
		}
	}
}
