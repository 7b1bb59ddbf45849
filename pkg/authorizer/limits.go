package authorizer

import (
	"errors"
	"fmt"
	"strings"

	"gatepass/pkg/policy"
)

// statementName is a statement as messages call it.
func statementName(i int, sid string) string {
	if sid != "" {
		return fmt.Sprintf("statement %d (%s)", i+1, sid)
	}
	return fmt.Sprintf("statement %d", i+1)
}

// blame names the statement that makes up most of a policy that has become too
// long as a whole.
func blame(err error, steps []policy.SpecializeStep) error {
	var long *policy.TooLongError
	if !errors.As(err, &long) || long.Index >= 0 {
		return err
	}
	worst, most := "", 0
	for _, s := range steps {
		n := 0
		for _, r := range s.Resources {
			n += len(r)
		}
		if n > most {
			worst, most = statementName(s.Index, s.Sid), n
		}
	}
	if worst == "" {
		return err
	}
	return fmt.Errorf("%w; most of it is %s", err, worst)
}

// kept is how many statements apply.
func kept(steps []policy.SpecializeStep) int {
	n := 0
	for _, s := range steps {
		if s.Kept {
			n++
		}
	}
	return n
}

// least is the length of a resource, in characters, when its claims are as short
// as they can be, which is one character: a resource that is too long then is too
// long always.
func least(resource string) int {
	n := 0
	for rest := resource; rest != ""; {
		text, after, found := strings.Cut(rest, "${")
		n += len([]rune(text))
		if !found {
			break
		}
		inner, tail, _ := strings.Cut(after, "}")
		if strings.HasPrefix(inner, claimPrefix) {
			n++
		} else {
			n += len([]rune(inner)) + len("${}")
		}
		rest = tail
	}
	return n
}
