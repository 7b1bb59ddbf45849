package token

// Report is every check of one token.
type Report struct {
	Token  *Token
	Checks []Check
	// Notes are things to know that are no check, such as that the token named no
	// key and the only suitable one was taken.
	Notes []string
}

// Failed returns the first check that failed.
func (r *Report) Failed() (Check, bool) {
	for _, c := range r.Checks {
		if c.Result == Fail {
			return c, true
		}
	}
	return Check{}, false
}

// Verified returns the token as one whose content may be believed. It is false
// unless the signature was checked and is right, and no other check failed. What
// was not expected was not checked: see [Expect].
func (r *Report) Verified() (Verified, bool) {
	signed := false
	for _, c := range r.Checks {
		if c.Result == Fail {
			return Verified{}, false
		}
		signed = signed || c.Name == CheckSignature && c.Result == Pass
	}
	if !signed || r.Token == nil {
		return Verified{}, false
	}
	return Verified{r.Token}, true
}

// Verified is a token whose signature and claims have been checked. The zero
// value holds no token; the only other way to one is [Report.Verified].
type Verified struct{ token *Token }

// Token is the token that was verified, or nil for the zero value.
func (v Verified) Token() *Token { return v.token }

// Claims are the claims of the token, which may be believed.
func (v Verified) Claims() Claims {
	if v.token == nil {
		return Claims{}
	}
	return v.token.ClaimSet()
}
