package policy

import (
	"encoding/json"
	"strings"
)

// Principals is the value of Principal and NotPrincipal in a resource policy
// (IAM: reference_policies_elements_principal).
type Principals struct {
	Anyone bool             // written "*"
	Kinds  []PrincipalsKind // otherwise
}

// PrincipalsKind is the principals of one kind.
type PrincipalsKind struct {
	Kind string // "AWS", "Service", "Federated" or "CanonicalUser"
	IDs  Strings
}

// principalKinds are the members of a Principal (IAM: reference_policies_grammar).
func principalKinds() []string { return []string{"AWS", "CanonicalUser", "Federated", "Service"} }

// MarshalJSON prints "*" or the object.
func (p *Principals) MarshalJSON() ([]byte, error) {
	if p.Anyone {
		return []byte(`"*"`), nil
	}
	return object(func(add func(string, any)) {
		for i := range p.Kinds {
			add(p.Kinds[i].Kind, p.Kinds[i].IDs)
		}
	})
}

// match reports whether who, which is empty for an anonymous caller, is one of
// the principals, and which. "*" and {"AWS": "*"} are everybody.
func (p *Principals) match(who string) (by string, ok bool) {
	if p.Anyone {
		return "*", true
	}
	for i := range p.Kinds {
		for _, id := range p.Kinds[i].IDs.Items {
			if p.Kinds[i].Kind == "AWS" && sameAWS(id, who) || p.Kinds[i].Kind != "AWS" && who != "" && id == who {
				return id, true
			}
		}
	}
	return "", false
}

// sameAWS reports whether an entry of AWS names who: everybody, the very same
// principal, everybody of the account, or the session of the role.
func sameAWS(id, who string) bool {
	switch {
	case id == "*":
		return true
	case who == "":
		return false
	case id == who:
		return true
	}
	if account := accountEntry(id); account != "" {
		return account == accountOf(who)
	}
	return sessionOf(id, who)
}

// accountEntry is the account an entry stands for as a whole: twelve digits, or
// the ARN of its root.
func accountEntry(id string) string {
	if isAccount(id) {
		return id
	}
	if rest, ok := strings.CutSuffix(id, ":root"); ok {
		return accountOf(rest + ":")
	}
	return ""
}

// accountOf is the account of a principal, or "".
func accountOf(who string) string {
	if isAccount(who) {
		return who
	}
	parts := strings.SplitN(who, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && isAccount(parts[4]) {
		return parts[4]
	}
	return ""
}

// isAccount reports whether s is an account id: twelve digits.
func isAccount(s string) bool { return len(s) == 12 && digits(s) == s }

// sessionOf reports whether who, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, is
// a session of the role id, arn:aws:iam::ACCOUNT:role/PATH/ROLE.
func sessionOf(id, who string) bool {
	role, session := strings.SplitN(id, ":", 6), strings.SplitN(who, ":", 6)
	if len(role) != 6 || len(session) != 6 || role[1] != session[1] || role[2] != "iam" || session[2] != "sts" || role[4] != session[4] {
		return false
	}
	path, ok := strings.CutPrefix(role[5], "role/")
	rest, ok2 := strings.CutPrefix(session[5], "assumed-role/")
	name, _, ok3 := strings.Cut(rest, "/")
	return ok && ok2 && ok3 && path[strings.LastIndexByte(path, '/')+1:] == name
}

var _ json.Marshaler = (*Principals)(nil)
