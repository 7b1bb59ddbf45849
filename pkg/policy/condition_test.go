package policy_test

import (
	"testing"

	"gatepass/pkg/policy"
)

func TestConditions(t *testing.T) {
	const (
		ip  = `{"IpAddress":{"aws:SourceIp":`
		arn = "arn:aws:sns:eu-west-1:123456789012:topic"
	)
	k := func(values ...string) policy.Keys { return policy.Keys{"k:k": values} }
	tests := []struct {
		name, condition string
		keys            policy.Keys
		want            bool
	}{
		{"no conditions", `{}`, nil, true},
		{"no keys", `{"StringEquals":{}}`, nil, true},

		{"StringEquals", `{"StringEquals":{"k:k":"a"}}`, k("a"), true},
		{"StringEquals case", `{"StringEquals":{"k:k":"a"}}`, k("A"), false},
		{"StringEquals star is text", `{"StringEquals":{"k:k":"a*"}}`, k("ab"), false},
		{"StringEquals literal star", `{"StringEquals":{"k:k":"a*"}}`, k("a*"), true},
		{"StringEquals escaped star", `{"StringEquals":{"k:k":"a${*}"}}`, k("a*"), true},
		{"StringEquals missing", `{"StringEquals":{"k:k":"a"}}`, nil, false},
		{"StringEquals OR", `{"StringEquals":{"k:k":["a","b"]}}`, k("b"), true},
		{"StringEquals nothing", `{"StringEquals":{"k:k":[]}}`, k("b"), false},
		{"StringEquals number", `{"StringEquals":{"k:k":5}}`, k("5"), true},
		{"StringEquals boolean", `{"StringEquals":{"k:k":true}}`, k("true"), true},
		{"key in any case", `{"StringEquals":{"K:K":"a"}}`, k("a"), true},
		{"operator in any case", `{"stringequals":{"k:k":"a"}}`, k("a"), true},
		{"StringNotEquals", `{"StringNotEquals":{"k:k":"a"}}`, k("b"), true},
		{"StringNotEquals NOR", `{"StringNotEquals":{"k:k":["a","b"]}}`, k("b"), false},
		{"StringNotEquals nothing", `{"StringNotEquals":{"k:k":[]}}`, k("b"), true},
		{"StringNotEquals missing", `{"StringNotEquals":{"k:k":"a"}}`, nil, true},
		{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"k:k":"aÉ"}}`, k("Aé"), true},
		{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase":{"k:k":"a"}}`, k("A"), false},
		{"StringLike", `{"StringLike":{"k:k":"a*c?"}}`, k("abbbcd"), true},
		{"StringLike crosses colons", `{"StringLike":{"k:k":"a*z"}}`, k("a:b:c:d:e:f:z"), true},
		{"StringLike no", `{"StringLike":{"k:k":"a*c?"}}`, k("abc"), false},
		{"StringNotLike", `{"StringNotLike":{"k:k":"a*"}}`, k("abc"), false},
		{"operators AND", `{"StringEquals":{"k:k":"a"},"StringLike":{"k:k":"b*"}}`, k("a"), false},
		{"keys AND", `{"StringEquals":{"k:k":"a","k:j":"b"}}`, k("a"), false},

		{"NumericEquals", `{"NumericEquals":{"k:k":"10"}}`, k("10.0"), true},
		{"NumericEquals JSON number", `{"NumericEquals":{"k:k":1e1}}`, k("10"), true},
		{"NumericEquals leading zero", `{"NumericEquals":{"k:k":"010"}}`, k("10"), true},
		{"NumericEquals small", `{"NumericEquals":{"k:k":"0.001"}}`, k("1e-3"), true},
		{"NumericEquals zero", `{"NumericEquals":{"k:k":"-0.0"}}`, k("0"), true},
		{"NumericEquals exact", `{"NumericEquals":{"k:k":"9007199254740993"}}`, k("9007199254740992"), false},
		{"NumericEquals 10x in the policy", `{"NumericEquals":{"k:k":"10x"}}`, k("10"), false},
		{"NumericEquals 10x in the request", `{"NumericEquals":{"k:k":"10"}}`, k("10x"), false},
		{"NumericNotEquals 10x", `{"NumericNotEquals":{"k:k":"10"}}`, k("10x"), true},
		{"NumericNotEquals", `{"NumericNotEquals":{"k:k":"10"}}`, k("1e1"), false},
		{"NumericLessThan", `{"NumericLessThan":{"k:k":"10"}}`, k("9.99"), true},
		{"NumericLessThan not text", `{"NumericLessThan":{"k:k":"10"}}`, k("9"), true},
		{"NumericLessThan negative", `{"NumericLessThan":{"k:k":"-10"}}`, k("-9"), false},
		{"NumericLessThan signs", `{"NumericLessThan":{"k:k":"0"}}`, k("-0.1"), true},
		{"NumericLessThanEquals", `{"NumericLessThanEquals":{"k:k":"10"}}`, k("10"), true},
		{"NumericGreaterThan", `{"NumericGreaterThan":{"k:k":"10"}}`, k("10"), false},
		{"NumericGreaterThan exponent", `{"NumericGreaterThan":{"k:k":"10"}}`, k("1e5"), true},
		{"NumericGreaterThanEquals", `{"NumericGreaterThanEquals":{"k:k":"10"}}`, k("10.000001"), true},
		{"NumericGreaterThan missing", `{"NumericGreaterThan":{"k:k":"10"}}`, nil, false},
		{"Numeric exponent beyond reason", `{"NumericGreaterThan":{"k:k":"1"}}`, k("1e99999999999"), false},
		{"Numeric empty", `{"NumericEquals":{"k:k":""}}`, k(""), false},
		{"Numeric point", `{"NumericEquals":{"k:k":"."}}`, k("."), false},

		{"DateEquals", `{"DateEquals":{"k:k":"2026-11-22T10:00:00Z"}}`, k("2026-11-22T12:00:00+02:00"), true},
		{"DateEquals epoch", `{"DateEquals":{"k:k":"1795341600"}}`, k("2026-11-22T10:00:00Z"), true},
		{"DateEquals day", `{"DateEquals":{"k:k":"2026-11-22"}}`, k("2026-11-22T00:00:00.000Z"), true},
		{"DateEquals minutes", `{"DateEquals":{"k:k":"2026-11-22T10:00Z"}}`, k("2026-11-22T10:00:00Z"), true},
		{"DateEquals month", `{"DateEquals":{"k:k":"2026-11"}}`, k("2026-11-01"), true},
		{"DateEquals year", `{"DateEquals":{"k:k":"2026"}}`, k("2026-01-01"), true},
		{"DateEquals basic form", `{"DateEquals":{"k:k":"20261122T100000Z"}}`, k("2026-11-22T10:00:00Z"), true},
		{"DateNotEquals", `{"DateNotEquals":{"k:k":"2026-11-22"}}`, k("2026-11-23"), true},
		{"DateLessThan", `{"DateLessThan":{"k:k":"2026-11-22T10:00:00Z"}}`, k("2026-11-22T09:59:59.999Z"), true},
		{"DateLessThan equal", `{"DateLessThan":{"k:k":"2026-11-22"}}`, k("2026-11-22"), false},
		{"DateLessThanEquals", `{"DateLessThanEquals":{"k:k":"2026-11-22"}}`, k("2026-11-22"), true},
		{"DateGreaterThan epoch against ISO", `{"DateGreaterThan":{"k:k":"2020-01-01T00:00:00Z"}}`, k("1795341600"), true},
		{"DateGreaterThan fraction before 1970", `{"DateGreaterThan":{"k:k":"-1"}}`, k("-0.5"), true},
		{"DateEquals before 1970", `{"DateEquals":{"k:k":"-0.25"}}`, k("1969-12-31T23:59:59.75Z"), true},
		{"Date with a comma", `{"DateLessThan":{"k:k":"2030-01-01T00:00:00,5Z"}}`, k("2026-11-21"), false},
		{"DateGreaterThanEquals", `{"DateGreaterThanEquals":{"k:k":"2026-11-22"}}`, k("2026-11-21"), false},
		{"Date not a date", `{"DateLessThan":{"k:k":"tomorrow"}}`, k("2026-11-21"), false},
		{"Date without zone", `{"DateLessThan":{"k:k":"2030-01-01T00:00:00"}}`, k("2026-11-21"), false},
		{"Date missing", `{"DateLessThan":{"k:k":"2026-11-22"}}`, nil, false},

		{"Bool", `{"Bool":{"k:k":"true"}}`, k("true"), true},
		{"Bool JSON", `{"Bool":{"k:k":true}}`, k("true"), true},
		{"Bool case", `{"Bool":{"k:k":"False"}}`, k("false"), true},
		{"Bool other", `{"Bool":{"k:k":"true"}}`, k("false"), false},
		{"Bool not a boolean", `{"Bool":{"k:k":"yes"}}`, k("yes"), false},
		{"Bool missing", `{"Bool":{"k:k":"false"}}`, nil, false},
		{"Bool variable", `{"Bool":{"k:k":"${k:v}"}}`, policy.Keys{"k:k": {"true"}, "k:v": {"TRUE"}}, true},
		{"Bool variable, other value", `{"Bool":{"k:k":"${k:v}"}}`, policy.Keys{"k:k": {"true"}, "k:v": {"false"}}, false},
		{"Bool variable, no boolean", `{"Bool":{"k:k":"${k:v}"}}`, policy.Keys{"k:k": {"true"}, "k:v": {"yes"}}, false},
		{"Bool variable, no value", `{"Bool":{"k:k":"${k:v}"}}`, k("true"), false},
		{"Bool variable, default", `{"Bool":{"k:k":"${k:v, 'true'}"}}`, k("true"), true},

		{"BinaryEquals", `{"BinaryEquals":{"k:k":"QmluYXJ5"}}`, k("QmluYXJ5"), true},
		{"BinaryEquals other", `{"BinaryEquals":{"k:k":"QmluYXJ5"}}`, k("QmluYXJ6"), false},
		{"BinaryEquals not base64", `{"BinaryEquals":{"k:k":"a"}}`, k("a"), false},
		{"BinaryEquals not canonical", `{"BinaryEquals":{"k:k":"QR=="}}`, k("QR=="), false},

		{"IpAddress", ip + `"203.0.113.0/24"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress outside", ip + `"203.0.113.0/24"}}`, policy.Keys{"aws:sourceip": {"203.0.114.9"}}, false},
		{"IpAddress host bits", ip + `"203.0.113.77/24"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress alone", ip + `"203.0.113.9"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress alone other", ip + `"203.0.113.9"}}`, policy.Keys{"aws:sourceip": {"203.0.113.10"}}, false},
		{"IpAddress all of v4", ip + `"0.0.0.0/0"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress all of v4 is not v6", ip + `"0.0.0.0/0"}}`, policy.Keys{"aws:sourceip": {"2001:db8::1"}}, false},
		{"IpAddress all of v6 is not v4", ip + `"::/0"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, false},
		{"IpAddress v6", ip + `"2001:DB8:1234:5678::/64"}}`, policy.Keys{"aws:sourceip": {"2001:db8:1234:5678:0:0:0:1"}}, true},
		{"IpAddress v6 spelled twice", ip + `"2001:db8::1"}}`, policy.Keys{"aws:sourceip": {"2001:0db8:0000:0000:0000:0000:0000:0001"}}, true},
		{"IpAddress mapped in the request", ip + `"203.0.113.0/24"}}`, policy.Keys{"aws:sourceip": {"::ffff:203.0.113.9"}}, true},
		{"IpAddress mapped in the policy", ip + `"::ffff:203.0.113.0/120"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress mapped alone", ip + `"::ffff:203.0.113.9"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress list", ip + `["198.51.100.0/24","203.0.113.0/24"]}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress not an address", ip + `"localhost"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, false},
		{"IpAddress request not an address", ip + `"0.0.0.0/0"}}`, policy.Keys{"aws:sourceip": {"unknown"}}, false},
		{"IpAddress missing", ip + `"0.0.0.0/0"}}`, nil, false},
		{"NotIpAddress", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, policy.Keys{"aws:sourceip": {"203.0.113.9"}}, false},
		{"NotIpAddress outside", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, policy.Keys{"aws:sourceip": {"192.0.2.1"}}, true},
		{"NotIpAddress missing", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, nil, true},

		{"ArnEquals", `{"ArnEquals":{"k:k":"` + arn + `"}}`, k(arn), true},
		{"ArnEquals wildcards", `{"ArnEquals":{"k:k":"arn:aws:sns:*:123456789012:t*"}}`, k(arn), true},
		{"ArnLike", `{"ArnLike":{"k:k":"arn:aws:sns:eu-west-?:*:*"}}`, k(arn), true},
		{"ArnLike by parts", `{"ArnLike":{"k:k":"arn:aws:someservice:*:111122223333:finance/*"}}`, k("arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), false},
		{"StringLike there", `{"StringLike":{"k:k":"arn:aws:someservice:*:111122223333:finance/*"}}`, k("arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), true},
		{"ArnLike too few parts", `{"ArnLike":{"k:k":"arn:aws:sns:*"}}`, k(arn), false},
		{"ArnLike star", `{"ArnLike":{"k:k":"*"}}`, k(arn), false},
		{"ArnLike colon of the tail", `{"ArnLike":{"k:k":"arn:aws:sns:*:*:a*b"}}`, k("arn:aws:sns:x:y:a:b"), true},
		{"ArnLike not an ARN", `{"ArnLike":{"k:k":"arn:aws:sns:*:*:*"}}`, k("topic"), false},
		{"ArnNotLike", `{"ArnNotLike":{"k:k":"arn:aws:sns:*:*:*"}}`, k(arn), false},
		{"ArnNotEquals missing", `{"ArnNotEquals":{"k:k":"` + arn + `"}}`, nil, true},
		{"ArnLike variable", `{"ArnLike":{"k:k":"arn:aws:sns:*:${k:account}:*"}}`, policy.Keys{"k:k": {arn}, "k:account": {"123456789012"}}, true},
		{"ArnLike variable with colons", `{"ArnLike":{"k:k":"arn:aws:sns:${k:both}:topic"}}`, policy.Keys{"k:k": {arn}, "k:both": {"eu-west-1:123456789012"}}, false},

		{"ArnLike variable with a colon", `{"ArnLike":{"k:k":"arn:aws:sns:${k:both}:*:topic"}}`, policy.Keys{"k:k": {"arn:aws:sns:a:b:x:topic"}, "k:both": {"a:b"}}, false},

		{"Null true, absent", `{"Null":{"k:k":"true"}}`, nil, true},
		{"Null true, empty list", `{"Null":{"k:k":true}}`, k(), true},
		{"Null true, present", `{"Null":{"k:k":"true"}}`, k("a"), false},
		{"Null false, present", `{"Null":{"k:k":"false"}}`, k("a"), true},
		{"Null false, absent", `{"Null":{"k:k":false}}`, nil, false},
		{"Null both", `{"Null":{"k:k":["true","false"]}}`, nil, true},
		{"Null neither", `{"Null":{"k:k":"maybe"}}`, nil, false},

		{"IfExists absent", `{"StringEqualsIfExists":{"k:k":"a"}}`, nil, true},
		{"IfExists present", `{"StringEqualsIfExists":{"k:k":"a"}}`, k("b"), false},
		{"IfExists match", `{"NumericLessThanIfExists":{"k:k":"3"}}`, k("2"), true},
		{"IfExists negated", `{"StringNotEqualsIfExists":{"k:k":"a"}}`, nil, true},

		{"ForAnyValue", `{"ForAnyValue:StringEquals":{"k:k":["a","b"]}}`, k("x", "b"), true},
		{"ForAnyValue none", `{"ForAnyValue:StringEquals":{"k:k":["a","b"]}}`, k("x", "y"), false},
		{"ForAnyValue one value", `{"ForAnyValue:StringEquals":{"k:k":"a"}}`, k("a"), true},
		{"ForAnyValue missing", `{"ForAnyValue:StringEquals":{"k:k":"a"}}`, nil, false},
		{"ForAnyValue empty", `{"ForAnyValue:StringEquals":{"k:k":["a",""]}}`, k(""), false},
		{"ForAnyValue negated", `{"ForAnyValue:StringNotEquals":{"k:k":"a"}}`, k("a", "b"), true},
		{"ForAnyValue negated none", `{"ForAnyValue:StringNotEquals":{"k:k":["a","b"]}}`, k("a", "b"), false},
		{"ForAnyValue negated missing", `{"ForAnyValue:StringNotEquals":{"k:k":"a"}}`, nil, false},
		{"ForAnyValue IfExists", `{"ForAnyValue:StringEqualsIfExists":{"k:k":"a"}}`, nil, true},
		{"ForAllValues", `{"ForAllValues:StringLike":{"k:k":["a*","b"]}}`, k("a1", "b", "a2"), true},
		{"ForAllValues one out", `{"ForAllValues:StringLike":{"k:k":["a*","b"]}}`, k("a1", "c"), false},
		{"ForAllValues missing", `{"ForAllValues:StringEquals":{"k:k":"a"}}`, nil, true},
		{"ForAllValues empty", `{"ForAllValues:StringEquals":{"k:k":"a"}}`, k(""), true},
		{"ForAllValues no values", `{"ForAllValues:StringEquals":{"k:k":[]}}`, k("a"), false},
		{"ForAllValues negated", `{"ForAllValues:StringNotEquals":{"k:k":"a"}}`, k("b", "c"), true},
		{"ForAllValues negated one in", `{"ForAllValues:StringNotEquals":{"k:k":"a"}}`, k("a", "c"), false},
		{"ForAllValues numbers", `{"ForAllValues:NumericLessThan":{"k:k":"5"}}`, k("1", "2"), true},
		{"set operator in any case", `{"forallvalues:StringEquals":{"k:k":"a"}}`, k("b"), false},
		{"several values without set operator", `{"StringEquals":{"k:k":"a"}}`, k("a", "b"), false},
		{"several values without set operator, negated", `{"StringNotEquals":{"k:k":"z"}}`, k("a", "b"), false},

		{"variable", `{"StringEquals":{"k:k":"${k:j}"}}`, policy.Keys{"k:k": {"a"}, "k:j": {"a"}}, true},
		{"variable in any case", `{"StringEqualsIgnoreCase":{"k:k":"x${K:J}"}}`, policy.Keys{"k:k": {"XA"}, "k:j": {"a"}}, true},
		{"variable's star", `{"StringLike":{"k:k":"${k:j}"}}`, policy.Keys{"k:k": {"a"}, "k:j": {"*"}}, false},
		{"variable missing", `{"StringLike":{"k:k":"*${k:j}*"}}`, k("a"), false},
		{"variable missing, negated", `{"StringNotEquals":{"k:k":"${k:j}"}}`, k("a"), true},
		{"variable missing, default", `{"StringEquals":{"k:k":"${k:j, 'a'}"}}`, k("a"), true},
		{"variable of a list", `{"StringEquals":{"k:k":"${k:j}"}}`, policy.Keys{"k:k": {"a"}, "k:j": {"a", "a"}}, false},
		{"variable where none may be", `{"NumericEquals":{"k:k":"${k:j}"}}`, policy.Keys{"k:k": {"1"}, "k:j": {"1"}}, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			d := mustParse(t, allowIf(tc.condition), policy.Options{})
			got := decide(t, d, policy.Request{Action: invoke, Resource: "x", Keys: tc.keys}) == policy.Allow
			if got != tc.want {
				t.Errorf("%s with %v holds: %v, want %v", tc.condition, tc.keys, got, tc.want)
			}
		})
	}
}

// Claims are our own keys: without a set operator any value of a list counts.
func TestClaimLists(t *testing.T) {
	groups := policy.Keys{"jwt:groups": {"Users", "Banned"}, "jwt:Role": {"x"}}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"jwt:groups":"Banned"}}`:                 true,
		`{"StringEquals":{"jwt:groups":"Admins"}}`:                 false,
		`{"StringNotEquals":{"jwt:groups":"Banned"}}`:              false,
		`{"StringNotEquals":{"jwt:groups":"Admins"}}`:              true,
		`{"ForAllValues:StringEquals":{"jwt:groups":"Banned"}}`:    false,
		`{"ForAnyValue:StringEquals":{"JWT:groups":["Banned"]}}`:   true,
		`{"StringEquals":{"jwt:Role":"x"}}`:                        true,
		`{"StringEquals":{"jwt:role":"x"}}`:                        false,
		`{"StringLike":{"aws:UserAgent":"${jwt:groups, 'none'}"}}`: false,
	} {
		d := mustParse(t, allowIf(condition), policy.Options{Prefix: "jwt:"})
		if got := decide(t, d, policy.Request{Action: invoke, Resource: "x", Keys: groups}) == policy.Allow; got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
	}
}
