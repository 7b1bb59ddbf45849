package apigw

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Throttle is a token bucket (AWS: "Throttle requests to your REST APIs"): burst
// tokens at first, one is taken for each request, and rate are added each second.
// The zero value limits nothing.
type Throttle struct {
	Rate  float64 // requests a second
	Burst int     // requests at once
}

// limits reports whether there is a limit at all.
func (t Throttle) limits() bool { return t.Rate > 0 || t.Burst > 0 }

// QuotaPeriod is what a quota is counted over.
type QuotaPeriod uint8

// The periods of quotas.
const (
	PerDay QuotaPeriod = iota
	PerWeek
	PerMonth
)

// String is DAY, WEEK or MONTH.
func (p QuotaPeriod) String() string { return [...]string{"DAY", "WEEK", "MONTH"}[p] }

// ParseQuotaPeriod reads DAY, WEEK or MONTH in any case.
func ParseQuotaPeriod(s string) (QuotaPeriod, error) {
	for p := PerDay; p <= PerMonth; p++ {
		if strings.EqualFold(s, p.String()) {
			return p, nil
		}
	}
	return PerDay, fmt.Errorf("want DAY, WEEK or MONTH as the period of a quota, got %q", cut(s))
}

// start is the beginning of the period that a time is in, in UTC. AWS does not
// document when periods begin: days at midnight, weeks on Monday and months on
// their first day are inferred.
func (p QuotaPeriod) start(at time.Time) time.Time {
	y, m, d := at.UTC().Date()
	switch p {
	case PerWeek:
		d -= (int(at.UTC().Weekday()) + 6) % 7
	case PerMonth:
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Quota is how many requests a key may make in a period. A Limit of 0 limits
// nothing.
type Quota struct {
	Limit  int
	Period QuotaPeriod
}

// UsagePlan limits the requests of a REST API that are made with an API key: each
// key has a bucket and a quota of its own (AWS: "Usage plans and API keys for REST
// APIs").
type UsagePlan struct {
	Throttle Throttle
	Quota    Quota
}

// Usage counts the requests to a stage. It is safe for use by many goroutines.
type Usage struct {
	stage Throttle
	plan  UsagePlan

	mu   sync.Mutex
	all  bucket
	keys map[string]*keyUsage
}

// NewUsage makes the count of an API; nil where nothing limits its requests.
func NewUsage(api *API) *Usage {
	u := &Usage{stage: api.Throttle, keys: map[string]*keyUsage{}}
	if api.UsagePlan != nil && api.Kind == REST {
		u.plan = *api.UsagePlan
	}
	if !u.stage.limits() && !u.plan.Throttle.limits() && u.plan.Quota.Limit == 0 {
		return nil
	}
	return u
}

// keyUsage is what was used of a plan with one key.
type keyUsage struct {
	bucket bucket
	since  time.Time // when the period began
	used   int
}

// bucket holds the tokens that are left.
type bucket struct {
	tokens float64
	at     time.Time // when they were counted; zero: never
}

// Take counts a request that is let through otherwise, with its API key or none,
// and says what the plan and the stage have against it. That one which is refused
// is not counted, and that the plan's limits come before the stage's, is inferred
// (AWS documents the latter for throttling).
func (u *Usage) Take(key string, now time.Time) Limit {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.keys[key]
	if key != "" && k == nil {
		// Only keys of the plan come here, so that there are not more than it has.
		k = &keyUsage{}
		u.keys[key] = k
	}
	if k != nil {
		if since := u.plan.Quota.Period.start(now); !since.Equal(k.since) {
			k.since, k.used = since, 0
		}
		if most := u.plan.Quota.Limit; most > 0 && k.used >= most {
			return QuotaExceeded
		}
		if !k.bucket.take(u.plan.Throttle, now) {
			return Throttled
		}
	}
	if !u.all.take(u.stage, now) {
		return Throttled
	}
	if k != nil {
		k.used++
	}
	return NotLimited
}

// take takes a token out of a bucket, if there is one.
func (b *bucket) take(t Throttle, now time.Time) bool {
	if !t.limits() {
		return true
	}
	most := float64(t.Burst)
	if b.at.IsZero() {
		b.tokens = most
	} else if past := now.Sub(b.at); past > 0 { // clocks go backwards, too
		b.tokens = math.Min(most, b.tokens+past.Seconds()*t.Rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
