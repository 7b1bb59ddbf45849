package config

import (
	"strconv"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// planFields are the keys of an api block about how many requests it takes.
func (r *definer) planFields() source.Fields {
	return source.Fields{
		"throttle":   r.throttle(&r.API.Throttle),
		"usage_plan": r.usagePlan,
	}
}

// usagePlan reads the usage plan of a REST API. Its keys are those of api_keys, and
// those that are named here.
func (r *definer) usagePlan(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	plan := &apigw.UsagePlan{}
	r.API.UsagePlan = plan
	r.Object(n, source.Fields{
		"throttle": r.throttle(&plan.Throttle),
		"quota":    r.quota(&plan.Quota),
		"keys":     r.Strings(&r.planKeys),
	})
}

// throttle reads {rate: requests a second, burst: requests at once}. API Gateway
// wants both.
func (r *definer) throttle(to *apigw.Throttle) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind == source.Null {
			return
		}
		r.Object(n, source.Fields{"rate": r.rate(&to.Rate), "burst": r.Int(&to.Burst, 1, maxBurst)})
		if n.Kind == source.Object && (n.Get("rate") == nil || n.Get("burst") == nil) {
			err := n.Errorf("a throttle has a rate and a burst")
			err.Hint = "for example {rate: 10, burst: 20}: 20 requests at once, and 10 more each second"
			r.Fail(err)
		}
	}
}

// The most that can be written: beyond what API Gateway gives any account.
const (
	maxBurst = 1 << 20
	maxQuota = 1 << 30
)

func (r *definer) rate(to *float64) func(*source.Node) {
	return func(n *source.Node) {
		v, err := strconv.ParseFloat(n.Text, 64)
		if n.Kind != source.Number || err != nil || !(v >= 0 && v <= maxBurst) {
			r.Failf(n, "want a number of requests a second, from 0 to %d", maxBurst)
			return
		}
		*to = v
	}
}

// quota reads {limit: requests, period: day, week or month}.
func (r *definer) quota(to *apigw.Quota) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind == source.Null {
			return
		}
		r.Object(n, source.Fields{
			"limit": r.Int(&to.Limit, 1, maxQuota),
			"period": func(n *source.Node) {
				if w := r.word(n, "day", "week", "month"); w != "" {
					to.Period, _ = apigw.ParseQuotaPeriod(w) // one of them
				}
			},
		})
		if n.Kind == source.Object && (n.Get("limit") == nil || n.Get("period") == nil) {
			err := n.Errorf("a quota has a limit and a period")
			err.Hint = "for example {limit: 1000, period: day}"
			r.Fail(err)
		}
	}
}
