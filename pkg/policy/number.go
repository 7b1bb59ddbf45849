package policy

import "strings"

// decimal is a number of any size and precision: 0.digits × 10^exp, with the
// digits in two stretches. Policies compare integers and decimals (IAM:
// reference_policies_elements_condition_operators), which floats would round.
type decimal struct {
	neg  bool
	a, b string
	exp  int
}

// maxExponent bounds what is a number: more is nonsense, or an attack.
const maxExponent = 6 // digits

// parseDecimal reads a sign, digits with at most one point, and an exponent. What
// has anything else in it, such as "10x", is no number.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.neg = s[0] == '-'
		s = s[1:]
	}
	whole := digits(s)
	s = s[len(whole):]
	frac := ""
	if s != "" && s[0] == '.' {
		frac = digits(s[1:])
		s = s[1+len(frac):]
	}
	if whole == "" && frac == "" {
		return decimal{}, false
	}
	e, ok := parseExponent(s)
	if !ok {
		return decimal{}, false
	}
	d.a = strings.TrimLeft(whole, "0")
	d.exp = len(d.a)
	if d.a == "" {
		d.b = strings.TrimLeft(frac, "0")
		d.exp = len(d.b) - len(frac)
	} else {
		d.b = frac
	}
	d.exp += e
	if d.zero() {
		return decimal{}, true
	}
	return d, true
}

// digits is the digits at the start of s.
func digits(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n]
}

func parseExponent(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" || len(s) > maxExponent || digits(s) != s {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return sign * n, true
}

func (d *decimal) zero() bool {
	return d.a == "" && strings.Trim(d.b, "0") == ""
}

// digit is the digit at i, 0 behind the last.
func (d *decimal) digit(i int) byte {
	switch {
	case i < len(d.a):
		return d.a[i]
	case i < len(d.a)+len(d.b):
		return d.b[i-len(d.a)]
	}
	return '0'
}

// compare is -1, 0 or 1.
func (d *decimal) compare(o *decimal) int {
	sign := 1
	if d.neg {
		sign = -1
	}
	switch {
	case d.zero() && o.zero():
		return 0
	case d.zero():
		if o.neg {
			return 1
		}
		return -1
	case o.zero(), d.neg != o.neg:
		return sign
	case d.exp != o.exp:
		if d.exp < o.exp {
			return -sign
		}
		return sign
	}
	for i := range max(len(d.a)+len(d.b), len(o.a)+len(o.b)) {
		if x, y := d.digit(i), o.digit(i); x != y {
			if x < y {
				return -sign
			}
			return sign
		}
	}
	return 0
}
