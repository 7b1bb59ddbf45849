package policy

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// instant is a point in time: seconds since 1970 and nanoseconds. Not a time.Time,
// because the seconds of a policy may be any number.
type instant struct {
	sec  int64
	nsec int64
}

// parseInstant reads a date as IAM takes it: one of the ISO 8601 forms of the
// W3C note (https://www.w3.org/TR/NOTE-datetime), or seconds since 1970 (IAM:
// reference_policies_elements_condition_operators, Date). Four digits are a year.
// The basic form 20060102T150405Z is taken too (inferred).
func parseInstant(s string) (instant, bool) {
	if len(s) > 64 {
		return instant{}, false
	}
	if sec, ok := parseEpoch(s); ok {
		return sec, true
	}
	layout := ""
	switch {
	case len(s) == len("2006"):
		layout = "2006"
	case len(s) == len("2006-01"):
		layout = "2006-01"
	case len(s) == len("2006-01-02"):
		layout = "2006-01-02"
	case len(s) == len("20060102T150405Z") && s[8] == 'T':
		layout = "20060102T150405Z"
	case len(s) > 16 && s[16] == ':':
		layout = "2006-01-02T15:04:05Z07:00" // takes fractions of a second too
	default:
		layout = "2006-01-02T15:04Z07:00"
	}
	t, err := time.Parse(layout, s)
	// time.Parse also takes a comma for the point, which the note does not.
	if err != nil || strings.IndexByte(s, ',') >= 0 {
		return instant{}, false
	}
	return instant{t.Unix(), int64(t.Nanosecond())}, true
}

// parseEpoch reads seconds since 1970, with or without a fraction.
func parseEpoch(s string) (instant, bool) {
	whole, frac, point := strings.Cut(s, ".")
	num := strings.TrimPrefix(whole, "-")
	if num == "" || digits(num) != num || digits(frac) != frac || point && frac == "" || len(s) == 4 && !point && num == whole {
		return instant{}, false
	}
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return instant{}, false
	}
	var nsec int64
	for i, unit := 0, int64(1e8); i < len(frac) && unit > 0; i, unit = i+1, unit/10 {
		nsec += int64(frac[i]-'0') * unit
	}
	if num != whole { // before 1970 the fraction counts backwards
		nsec = -nsec
	}
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	return instant{sec, nsec}, true
}

func (t instant) compare(o instant) int {
	if c := cmp.Compare(t.sec, o.sec); c != 0 {
		return c
	}
	return cmp.Compare(t.nsec, o.nsec)
}
