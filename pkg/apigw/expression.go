package apigw

import (
	"fmt"
	"regexp"
	"strings"
)

// compileExpression turns an identity validation expression into one of Go that
// matches whole values.
//
// The dialect is not documented; the service's error texts are those of Java
// libraries, so it is taken to be java.util.regex. Go's expressions have no
// look-around, back-references, atomic groups or possessive quantifiers, and some
// syntax means something else there: all that is an error which says so, and
// nothing is silently read differently. That the whole value must match is inferred from AWS's
// example, where \w{5} takes values of five characters only.
func compileExpression(java string) (*regexp.Regexp, error) {
	t := translator{in: java}
	if err := t.run(); err != nil {
		return nil, fmt.Errorf("the validation expression %q cannot be used here: %w", cut(java), err)
	}
	re, err := regexp.Compile(`\A(?:` + t.out.String() + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("the validation expression %q is not a regular expression: %s", cut(java),
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, nil
}

// translator reads an expression of Java once, from left to right, and writes the
// same for Go.
type translator struct {
	in  string
	at  int
	out strings.Builder
	// quantified says that the last thing written was a quantifier, so that a plus
	// sign makes it possessive.
	quantified bool
}

func (t *translator) rest() string { return t.in[t.at:] }

// take moves n bytes and writes them as they are.
func (t *translator) take(n int) {
	t.out.WriteString(t.in[t.at : t.at+n])
	t.at += n
}

func (t *translator) run() error {
	for t.at < len(t.in) {
		was := t.quantified
		t.quantified = false
		var err error
		switch c := t.in[t.at]; c {
		case '\\':
			err = t.escape(false)
		case '[':
			err = t.class()
		case '(':
			err = t.group()
		case '*', '+', '?':
			if was && c == '+' {
				return fmt.Errorf("the possessive quantifier %q needs backtracking control, which Go's expressions do not have", t.in[t.at-1:t.at+1])
			}
			t.quantified = !was // the second ? of *? is no quantifier of its own
			t.take(1)
		case '{':
			err = t.repeat()
		default:
			t.take(1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat copies {n}, {n,} or {n,m}. In Java no other brace may stand alone.
func (t *translator) repeat() error {
	end := strings.IndexByte(t.rest(), '}')
	body := ""
	if end > 0 {
		body = t.rest()[1:end]
	}
	low, _, _ := strings.Cut(body, ",")
	if low == "" || strings.Trim(body, "0123456789,") != "" {
		return fmt.Errorf("a brace that is no repetition such as {2,5} must be written \\{")
	}
	t.take(end + 1)
	t.quantified = true
	return nil
}

// group copies the beginning of a group.
func (t *translator) group() error {
	rest := t.rest()
	switch {
	case !strings.HasPrefix(rest, "(?"):
		t.take(1)
		return nil
	case strings.HasPrefix(rest, "(?="), strings.HasPrefix(rest, "(?!"):
		return fmt.Errorf("the look-ahead %s is not in Go's expressions", rest[:3])
	case strings.HasPrefix(rest, "(?<="), strings.HasPrefix(rest, "(?<!"):
		return fmt.Errorf("the look-behind %s is not in Go's expressions", rest[:4])
	case strings.HasPrefix(rest, "(?>"):
		return fmt.Errorf("the atomic group (?> is not in Go's expressions")
	case strings.HasPrefix(rest, "(?<"):
		t.take(3)
		return nil
	}
	n := 2 + len(rest[2:]) - len(strings.TrimLeft(rest[2:], "imsdxuU-"))
	if flags := rest[2:n]; strings.ContainsAny(flags, "dxuU") {
		return fmt.Errorf("the flags (?%s have no equal in Go's expressions: only i, m and s have", flags)
	}
	t.take(n)
	return nil
}

// escape translates what follows a backslash.
func (t *translator) escape(inClass bool) error {
	if t.at+1 >= len(t.in) {
		return fmt.Errorf("it ends with a backslash")
	}
	switch c := t.in[t.at+1]; {
	case '1' <= c && c <= '9':
		return fmt.Errorf("the back-reference \\%c is not in Go's expressions", c)
	case c == 'k':
		return fmt.Errorf("the back-reference \\k is not in Go's expressions")
	case strings.IndexByte("GRXNbB", c) >= 0 && (inClass || c != 'b' && c != 'B'):
		return fmt.Errorf("\\%c has no equal in Go's expressions", c)
	case c == 'Q':
		return t.quote(inClass)
	case c == 'p' || c == 'P':
		return t.property(inClass)
	case c == 'u':
		return t.hex(2, 4)
	case c == 'x':
		return t.hexOrBraces()
	case c == '0':
		return t.octal()
	case c == 'c':
		return t.control()
	default:
		t.simple(c, inClass)
	}
	return nil
}

// The classes of Java that Go has otherwise. Horizontal and vertical white space
// are those of java.util.regex.Pattern.
const (
	javaSpace      = `\t\n\x0B\f\r `
	javaHorizontal = ` \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
	javaVertical   = `\n\x0B\f\r\x{85}\x{2028}\x{2029}`
)

// simple translates an escape of one letter.
func (t *translator) simple(c byte, inClass bool) {
	set := map[byte]string{'s': javaSpace, 'h': javaHorizontal, 'v': javaVertical}[c]
	not := map[byte]string{'S': javaSpace, 'H': javaHorizontal, 'V': javaVertical}[c]
	switch {
	case set != "" && inClass:
		t.out.WriteString(set)
	case set != "":
		t.out.WriteString("[" + set + "]")
	case not != "" && !inClass:
		t.out.WriteString("[^" + not + "]")
	case c == 'S':
		t.out.WriteString(`\S`) // only \x0B differs, which no header can hold
	case c == 'Z':
		t.out.WriteString(`\z`)
	case c == 'e':
		t.out.WriteString(`\x1B`)
	case c == 'E':
	case c < 0x80:
		t.take(2)
		return
	default: // a backslash before a letter outside of ASCII changes nothing
		t.at++
		return
	}
	t.at += 2
}

// quote writes out \Q…\E.
func (t *translator) quote(inClass bool) error {
	if inClass {
		return fmt.Errorf("\\Q inside of [] has no equal in Go's expressions")
	}
	t.at += 2
	text, _, closed := strings.Cut(t.rest(), `\E`)
	t.out.WriteString(regexp.QuoteMeta(text))
	t.at += len(text)
	if closed {
		t.at += 2
	}
	return nil
}

// posix are Java's classes for US-ASCII, as the inside of a class.
func posix(name string) string {
	return map[string]string{
		"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
		"Punct": `!-/:-@\[-` + "`" + `{-~`, "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`,
		"XDigit": "0-9a-fA-F", "Space": javaSpace,
	}[name]
}

// property translates \p{…}: Java's US-ASCII classes by their ranges, Unicode
// categories and scripts as Go spells them.
func (t *translator) property(inClass bool) error {
	not := t.in[t.at+1] == 'P'
	rest := t.in[t.at+2:]
	if rest == "" {
		return fmt.Errorf("\\p names no property")
	}
	name, length := rest[:1], 3
	if rest[0] == '{' {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return fmt.Errorf("\\p{ has no end")
		}
		name, length = rest[1:end], end+3
	}
	t.at += length
	if set := posix(name); set != "" {
		return t.posixClass(set, not, inClass)
	}
	name = strings.TrimPrefix(name, "Is")
	sign := "p"
	if not {
		sign = "P"
	}
	if strings.HasPrefix(name, "java") || strings.HasPrefix(name, "In") || strings.Contains(name, "=") {
		return fmt.Errorf("\\%s{%s} has no equal in Go's expressions", sign, cut(name))
	}
	t.out.WriteString(`\` + sign + "{" + name + "}")
	return nil
}

// posixClass writes one of Java's classes for US-ASCII.
func (t *translator) posixClass(set string, not, inClass bool) error {
	switch {
	case inClass && not:
		return fmt.Errorf("\\P{…} of a class for US-ASCII inside of [] has no equal in Go's expressions")
	case inClass:
		t.out.WriteString(set)
	case not:
		t.out.WriteString("[^" + set + "]")
	default:
		t.out.WriteString("[" + set + "]")
	}
	return nil
}

// hex translates \uHHHH and \xHH: skip bytes, then so many digits.
func (t *translator) hex(skip, digits int) error {
	rest := t.in[t.at+skip:]
	if len(rest) < digits || !isHex(rest[:digits]) {
		return fmt.Errorf("\\%c wants %d hexadecimal digits", t.in[t.at+1], digits)
	}
	t.out.WriteString(`\x{` + rest[:digits] + "}")
	t.at += skip + digits
	return nil
}

func (t *translator) hexOrBraces() error {
	if strings.HasPrefix(t.in[t.at+2:], "{") {
		t.take(3) // the same in Go; the digits and the brace follow as they are
		end := strings.IndexByte(t.rest(), '}')
		if end < 0 {
			return fmt.Errorf("\\x{ has no end")
		}
		t.take(end + 1)
		return nil
	}
	return t.hex(2, 2)
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// octal translates \0n, \0nn and \0mnn, at most \0377.
func (t *translator) octal() error {
	rest := t.in[t.at+2:]
	value, n := 0, 0
	for n < len(rest) && n < 3 && '0' <= rest[n] && rest[n] <= '7' && value*8+int(rest[n]-'0') <= 0o377 {
		value = value*8 + int(rest[n]-'0')
		n++
	}
	if n == 0 {
		return fmt.Errorf("\\0 wants octal digits")
	}
	fmt.Fprintf(&t.out, `\x{%x}`, value)
	t.at += 2 + n
	return nil
}

// control translates \cX, which is X with its seventh bit turned.
func (t *translator) control() error {
	if t.at+2 >= len(t.in) {
		return fmt.Errorf("\\c wants a character")
	}
	fmt.Fprintf(&t.out, `\x{%x}`, t.in[t.at+2]^64)
	t.at += 3
	return nil
}

// class copies a class in brackets. Java's unions and intersections of classes
// have no equal.
func (t *translator) class() error {
	t.take(1)
	if strings.HasPrefix(t.rest(), "^") {
		t.take(1)
	}
	for first := true; ; first = false {
		if t.at >= len(t.in) {
			return fmt.Errorf("a [ has no end")
		}
		switch c := t.in[t.at]; {
		case c == ']' && first:
			t.out.WriteString(`\]`) // as Java reads it: a character
			t.at++
		case c == ']':
			t.take(1)
			return nil
		case c == '[':
			return fmt.Errorf("a class inside of a class ([a[b]]) has no equal in Go's expressions; write \\[ for the character")
		case c == '&' && strings.HasPrefix(t.rest(), "&&"):
			return fmt.Errorf("the intersection && of classes has no equal in Go's expressions")
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			t.take(1)
		}
	}
}
