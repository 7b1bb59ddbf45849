package view

import (
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/human"
)

// CallMeta is what is known of an answer beside its headers and its body.
type CallMeta struct {
	Status, Protocol string
	Sent, Received   int64  // of the bodies, in bytes as they were on the way
	Encoding         string // how the answer was compressed, or nothing
	Redirects        int
	Timings          CallTimings
}

// Print prints it for people.
func (m CallMeta) Print(p *Printer) {
	received := human.Bytes(m.Received)
	if m.Encoding != "" {
		received += ", compressed with " + m.Encoding
	}
	pairs := []Pair{{"status", m.Status + " over " + m.Protocol}}
	if m.Redirects > 0 {
		pairs = append(pairs, Pair{"redirects", strconv.Itoa(m.Redirects)})
	}
	if m.Sent > 0 {
		pairs = append(pairs, Pair{"sent", human.Bytes(m.Sent)})
	}
	pairs = append(pairs, Pair{"received", received})
	for _, t := range []struct {
		name string
		ms   float64
	}{{"name found", m.Timings.DNS}, {"connected", m.Timings.Connect}, {"TLS ready", m.Timings.TLS}, {"first byte", m.Timings.FirstByte}, {"all", m.Timings.Total}} {
		if t.ms > 0 {
			pairs = append(pairs, Pair{t.name, "after " + millis(t.ms)})
		}
	}
	for i := range pairs {
		pairs[i].Value = p.Outside(pairs[i].Value)
	}
	p.Pairs(0, pairs)
}

// millis is a time of milliseconds in three digits or so.
func millis(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	case d < time.Second:
		d = d.Round(time.Millisecond)
	default:
		d = d.Round(10 * time.Millisecond)
	}
	s := d.String()
	for _, unit := range []string{"ms", "µs"} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			return n + " " + unit
		}
	}
	return s
}
