package main

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"

	"gatepass/pkg/secret"
)

// counter is something that is counted between two decisions and told with the
// next one.
type counter string

const (
	countKeyFetches     counter = "KeyFetches"
	countKeyFetchErrors counter = "KeyFetchErrors"
	countRefreshErrors  counter = "RefreshErrors"
)

// journal writes the log: one JSON object a line, in the members that Lambda's JSON
// log format has, and with a decision its metrics in CloudWatch's embedded metric
// format (CloudWatch User Guide, "Specification: Embedded metric format"). What is
// written is cleaned of whatever looks like a token or secret.
type journal struct {
	w         io.Writer
	now       func() time.Time
	function  string // its name
	namespace string // of the metrics; empty: none

	mu     sync.Mutex
	counts map[counter]int
}

func newJournal(w io.Writer, now func() time.Time, function, namespace string) *journal {
	if function == "" {
		function = "gatepass" // a dimension must not be empty
	}
	return &journal{w: w, now: now, function: function, namespace: namespace, counts: map[counter]int{}}
}

// line is what every line has.
type line struct {
	Timestamp string `json:"timestamp"`
	Level     string `json:"level"`
	RequestID string `json:"requestId,omitempty"`
	Message   string `json:"message"`
	Error     string `json:"error,omitempty"`
}

// decision is the line of a decision.
type decision struct {
	line
	Event    string `json:"event,omitempty"`
	Outcome  string `json:"outcome"`
	Reason   string `json:"reason"`
	KeyID    string `json:"kid,omitempty"`
	Subject  string `json:"sub,omitempty"`
	duration time.Duration
}

func (j *journal) info(message string) { j.print(j.line("INFO", message, nil)) }

func (j *journal) warn(message string, err error) { j.print(j.line("WARN", message, err)) }

func (j *journal) fail(message string, err error) { j.print(j.line("ERROR", message, err)) }

func (j *journal) line(level, message string, err error) line {
	l := line{Timestamp: j.timestamp(), Level: level, Message: secret.Redact(message)}
	if err != nil {
		l.Error = secret.Redact(err.Error())
	}
	return l
}

func (j *journal) timestamp() string { return j.now().UTC().Format("2006-01-02T15:04:05.000Z") }

// count counts something up. It is told with the next decision.
func (j *journal) count(c counter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[c]++
}

// decided writes the line of a decision.
func (j *journal) decided(d decision) {
	level := "INFO"
	switch d.Outcome {
	case outcomeFailed:
		level = "ERROR"
		fallthrough
	case outcomeRefused: // what is said of the others has nothing of the caller's in it
		d.Reason, d.KeyID = secret.Redact(d.Reason), secret.Redact(clip(d.KeyID))
	}
	d.line = line{Timestamp: j.timestamp(), Level: level, Message: "decision", RequestID: d.RequestID}
	doc := document{decision: d, Latency: millis(d.duration)}
	if j.namespace != "" {
		j.measure(&doc)
	}
	j.print(doc)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// metric is a MetricDefinition, directive a MetricDirective of the format.
type metric struct {
	Name string
	Unit string
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

// metadata is the Metadata of the format.
type metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

// document is a decision with its metrics: the members that the directives name.
type document struct {
	decision
	Function       string `json:"Function,omitempty"`
	OutcomeName    string `json:"Outcome,omitempty"`
	Decisions      int    `json:"Decisions,omitempty"`
	Latency        float64
	KeyFetches     int       `json:"KeyFetches,omitempty"`
	KeyFetchErrors int       `json:"KeyFetchErrors,omitempty"`
	RefreshErrors  int       `json:"RefreshErrors,omitempty"`
	AWS            *metadata `json:"_aws,omitempty"`
}

// measure adds the metrics: how many by outcome, how long it took, and what was
// counted since the last one.
func (j *journal) measure(doc *document) {
	doc.Function, doc.OutcomeName, doc.Decisions = j.function, doc.Outcome, 1
	whole := []metric{{"Latency", "Milliseconds"}}
	j.mu.Lock()
	for _, c := range []struct {
		name counter
		to   *int
	}{{countKeyFetches, &doc.KeyFetches}, {countKeyFetchErrors, &doc.KeyFetchErrors}, {countRefreshErrors, &doc.RefreshErrors}} {
		if n := j.counts[c.name]; n > 0 {
			*c.to = n
			whole = append(whole, metric{string(c.name), "Count"})
		}
	}
	clear(j.counts)
	j.mu.Unlock()
	doc.AWS = &metadata{j.now().UnixMilli(), []directive{
		{j.namespace, [][]string{{"Function", "Outcome"}}, []metric{{"Decisions", "Count"}}},
		{j.namespace, [][]string{{"Function"}}, whole},
	}}
}

// print writes one line. A log that cannot be written must not change an answer.
func (j *journal) print(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.w.Write(b.Bytes())
}
