package config_test

import (
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func TestUsagePlan(t *testing.T) {
	d, err := define(t, `authorizer: none
api_key: true
api_keys: [a]
throttle: {rate: 0.5, burst: 2}
usage_plan: {keys: [b], throttle: {rate: 10, burst: 20}, quota: {limit: 1000, period: Month}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := apigw.UsagePlan{Throttle: apigw.Throttle{Rate: 10, Burst: 20}, Quota: apigw.Quota{Limit: 1000, Period: apigw.PerMonth}}
	if d.API.UsagePlan == nil || *d.API.UsagePlan != want || d.API.Throttle != (apigw.Throttle{Rate: 0.5, Burst: 2}) || !slices.Equal(d.API.PlanKeys, []string{"a", "b"}) {
		t.Errorf("%+v, %+v, %v", d.API.UsagePlan, d.API.Throttle, d.API.PlanKeys)
	}
	d, err = define(t, "authorizer: none\nusage_plan:\nthrottle:")
	if err != nil || d.API.UsagePlan != nil {
		t.Errorf("nothing is a plan: %+v, %v", d.API.UsagePlan, err)
	}
}

func TestUsagePlanMistakes(t *testing.T) {
	for _, tc := range []struct{ block, want, hint string }{
		{"throttle: 5", "1:17: want an object", ""},
		{"throttle: {rate: 5}", "1:17: a throttle has a rate and a burst", "{rate: 10, burst: 20}"},
		{"throttle: {rate: fast, burst: 1}", "1:24: want a number of requests a second", ""},
		{"throttle: {rate: -1, burst: 1}", "1:24: want a number of requests a second", ""},
		{"throttle: {rate: .nan, burst: 1}", "1:24: .nan is no number here", ""},
		{"throttle: {rate: 1, burst: 0}", "1:34: want a whole number from 1 to", ""},
		{"throttle: {rate: 1, burst: 1, limit: 1}", `1:37: unknown key "limit"`, ""},
		{"usage_plan: {quota: {limit: 5}}", "1:27: a quota has a limit and a period", "period: day"},
		{"usage_plan: {quota: {limit: 0, period: day}}", "1:35: want a whole number from 1", ""},
		{"usage_plan: {quota: {limit: 5, period: year}}", "1:46: want one of day, week, month", ""},
		{"usage_plan: {keys: [[a]]}", "1:27: want a string, got a list", ""},
		{"kind: http\nauthorizer: none\nusage_plan: {throttle: {rate: 1, burst: 1}}", "3:19: HTTP APIs have no usage plans", ""},
	} {
		_, err := define(t, tc.block)
		e, lines := firstMistake(t, err)
		if !strings.HasPrefix(shift(e, lines), tc.want) || !strings.Contains(e.Hint, tc.hint) {
			t.Errorf("%s:\n got %s (%s)\nwant %s", tc.block, shift(e, lines), e.Hint, tc.want)
		}
	}
}
