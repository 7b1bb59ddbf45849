package apigw_test

import (
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

// noon is a Sunday.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func metered(plan *apigw.UsagePlan, stage apigw.Throttle) *apigw.Usage {
	return apigw.NewUsage(&apigw.API{UsagePlan: plan, Throttle: stage})
}

// TestUsageThrottle: the burst at once, then the rate; each key by itself.
func TestUsageThrottle(t *testing.T) {
	u := metered(&apigw.UsagePlan{Throttle: apigw.Throttle{Rate: 2, Burst: 3}}, apigw.Throttle{})
	take := func(key string, after time.Duration, want apigw.Limit) {
		t.Helper()
		if got := u.Take(key, noon.Add(after)); got != want {
			t.Errorf("key %q after %s: %v, want %v", key, after, got, want)
		}
	}
	for range 3 {
		take("a", 0, apigw.NotLimited)
	}
	take("a", 0, apigw.Throttled)
	take("b", 0, apigw.NotLimited)
	take("", 0, apigw.NotLimited) // no key, no plan
	take("a", 499*time.Millisecond, apigw.Throttled)
	take("a", 500*time.Millisecond, apigw.NotLimited)
	take("a", 500*time.Millisecond, apigw.Throttled)
	take("a", 0, apigw.Throttled) // a clock that goes back gives nothing
	for range 3 {                 // an hour fills the bucket, and no more
		take("a", time.Hour, apigw.NotLimited)
	}
	take("a", time.Hour, apigw.Throttled)
}

func TestUsageOfTheStage(t *testing.T) {
	u := metered(nil, apigw.Throttle{Rate: 1, Burst: 1})
	if u.Take("", noon) != apigw.NotLimited || u.Take("a", noon) != apigw.Throttled || u.Take("", noon.Add(time.Second)) != apigw.NotLimited {
		t.Error("the stage has one bucket for all")
	}
	if metered(nil, apigw.Throttle{}) != nil || metered(&apigw.UsagePlan{}, apigw.Throttle{}) != nil {
		t.Error("nothing limits, and something counts")
	}
	if apigw.NewUsage(&apigw.API{Kind: apigw.HTTP, UsagePlan: &apigw.UsagePlan{Quota: apigw.Quota{Limit: 1}}}) != nil {
		t.Error("HTTP APIs have no usage plans")
	}
}

func TestUsageQuota(t *testing.T) {
	for _, tc := range []struct {
		period      apigw.QuotaPeriod
		same, other time.Time // within the period of noon, and the first moment after it
	}{
		{apigw.PerDay, time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		{apigw.PerWeek, time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		{apigw.PerMonth, time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
		{apigw.PerDay, time.Date(2026, 11, 23, 0, 30, 0, 0, time.FixedZone("east", 3600)), time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("east", 3600))},
	} {
		u := metered(&apigw.UsagePlan{Quota: apigw.Quota{Limit: 2, Period: tc.period}}, apigw.Throttle{})
		for i, step := range []struct {
			at   time.Time
			want apigw.Limit
		}{
			{noon, apigw.NotLimited},
			{noon, apigw.NotLimited},
			{noon, apigw.QuotaExceeded},
			{tc.same, apigw.QuotaExceeded},
			{tc.other, apigw.NotLimited},
		} {
			if got := u.Take("k", step.at); got != step.want {
				t.Errorf("%s, request %d at %s: %v, want %v", tc.period, i+1, step.at, got, step.want)
			}
		}
	}
	// What the throttle refuses is not counted.
	u := metered(&apigw.UsagePlan{Throttle: apigw.Throttle{Rate: 1, Burst: 1}, Quota: apigw.Quota{Limit: 2}}, apigw.Throttle{})
	for i, want := range []apigw.Limit{apigw.NotLimited, apigw.Throttled, apigw.Throttled} {
		if got := u.Take("k", noon); got != want {
			t.Errorf("request %d: %v, want %v", i+1, got, want)
		}
	}
	if got := u.Take("k", noon.Add(time.Minute)); got != apigw.NotLimited {
		t.Errorf("throttled requests were counted: %v", got)
	}
}

// TestUsageAtOnce: many goroutines get what there is, and no more.
func TestUsageAtOnce(t *testing.T) {
	u := metered(&apigw.UsagePlan{Throttle: apigw.Throttle{Rate: 1, Burst: 50}}, apigw.Throttle{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for range 200 {
		wg.Go(func() {
			if u.Take("k", noon) == apigw.NotLimited {
				mu.Lock()
				got++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got != 50 {
		t.Errorf("%d requests passed, want 50", got)
	}
}

// TestMeter: the plan is asked once, about requests that pass otherwise, with the
// key that counts.
func TestMeter(t *testing.T) {
	keyed := rest(lambda())
	keyed.Default.APIKeyRequired, keyed.PlanKeys = true, []string{"K"}
	allow, deny := returns(policyAnswer("Allow", "*", "")), returns(policyAnswer("Deny", "*", ""))
	for name, tc := range map[string]struct {
		api    *apigw.API
		invoke func(apigw.Event) apigw.Output
		key    string
		limit  apigw.Limit
		asked  string
		status int
	}{
		"allowed":               {keyed, allow, "K", apigw.NotLimited, "K", 200},
		"throttled":             {keyed, allow, "K", apigw.Throttled, "K", 429},
		"quota":                 {keyed, allow, "K", apigw.QuotaExceeded, "K", 429},
		"denied":                {keyed, deny, "K", apigw.Throttled, "", 403},
		"no key":                {keyed, allow, "", apigw.Throttled, "", 403},
		"HTTP API":              {httpAPI(simple()), returns(`{"isAuthorized":true}`), "K", apigw.Throttled, "(none)", 429},
		"HTTP API has no quota": {httpAPI(simple()), returns(`{"isAuthorized":true}`), "K", apigw.QuotaExceeded, "(none)", 200},
	} {
		req := get("/orders", "x")
		if tc.key != "" {
			req.Header["X-Api-Key"] = []string{tc.key}
		}
		asked := ""
		req.Meter = func(key string) apigw.Limit {
			if key == "" {
				key = "(none)"
			}
			asked += key
			return tc.limit
		}
		v := apigw.Decide(tc.api, req, nil, tc.invoke)
		if v.Status != tc.status || asked != tc.asked {
			t.Errorf("%s: %d, asked about %q; want %d, %q", name, v.Status, asked, tc.status, tc.asked)
		}
	}
}

func TestQuotaPeriod(t *testing.T) {
	for p := apigw.PerDay; p <= apigw.PerMonth; p++ {
		if got, err := apigw.ParseQuotaPeriod(p.String()); got != p || err != nil {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
	if _, err := apigw.ParseQuotaPeriod("year"); err == nil {
		t.Error("there is no quota of a year")
	}
}
