package apigw

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Seen is a response as it came over the network, with what is known of the
// request and of the API.
type Seen struct {
	Method, Path string
	// Authorization is the value sent in the header the API takes the token from,
	// empty when none was sent; TokenHeader is that header's name.
	TokenHeader, Authorization string
	APIKeySent                 bool
	// RequestUnknown says that the headers of the request are not known, or not all
	// of them: that there is no Authorization means nothing then.
	RequestUnknown bool
	// Origin says that a page in a browser made the request, Preflight that it is
	// the browser's question beforehand (OPTIONS, Fetch standard).
	Origin, Preflight bool

	// Status is 0 when no answer was recorded.
	Status int
	Header map[string][]string
	Body   []byte // its beginning is enough

	// What is known besides; zero values are not known. API is what the settings
	// say, with its customised gateway responses. Claims are those of the token
	// that was sent, Expect whose tokens the authorizer takes, and Time when the
	// request was made.
	API    *API
	Claims *source.Node
	Expect []token.Expect
	Time   time.Time
}

// Who is who gave an answer.
type Who string

// Those who answer.
const (
	ByGateway    Who = "gateway"    // API Gateway itself
	ByAuthorizer Who = "authorizer" // API Gateway, as the authorizer or its policy said
	ByBackend    Who = "backend"    // what is behind API Gateway
	ByBetween    Who = "between"    // something before API Gateway: CloudFront, a web firewall, a proxy
	ByClient     Who = "client"     // nobody: the answer was not recorded
)

// Cause is one explanation of a refusal.
type Cause struct {
	ID      string `json:"id"`
	Meaning string `json:"meaning"` // what it means, a sentence
	Next    string `json:"next"`    // what to do next, a sentence
	// Sure says that nothing else gives this answer.
	Sure bool `json:"sure"`
	// Who gave the answer, if this is the cause.
	Who Who `json:"who"`
	// Sign is how the answer was recognised, in a few words; empty in the table.
	Sign string `json:"sign,omitempty"`
	// Facts are what is known of this very request and bears on the cause, each a
	// phrase; none in the table.
	Facts []string `json:"facts,omitempty"`
	// Inferred says what about this row is not documented, or is empty.
	Inferred string `json:"inferred,omitempty"`
}

// ExplainResponse names the likely causes of a refusal, the best first: one alone
// when it is sure. Nothing for an answer that is no refusal.
func ExplainResponse(s Seen) []Cause {
	if s.Status != 0 && s.Status < 400 {
		return nil
	}
	a := s.read()
	var all []Cause
	for _, r := range causeTable() {
		if !r.match(a) {
			continue
		}
		c := a.fill(&r)
		if c.Sure && len(all) == 0 {
			return []Cause{c}
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		all = append(all, a.fill(&cause{Cause: unknownRefusal()}))
	}
	return all
}

// Causes is the whole table.
func Causes() []Cause {
	var all []Cause
	for _, r := range causeTable() {
		all = append(all, r.Cause)
	}
	return append(all, unknownRefusal())
}

// unknownRefusal is for a refusal of the gateway that no row knows.
func unknownRefusal() Cause {
	return Cause{
		ID: "refused", Who: ByGateway, Meaning: "API Gateway answered in the backend's place: {message}.",
		Next: "Compare with gatepass authorize {request}, and look at the API's execution log.",
	}
}

// answer is a response with its signs read.
type answer struct {
	*Seen
	errorType string       // x-amzn-ErrorType
	response  ResponseType // which gateway response it is, where that shows; of REST APIs
	custom    ResponseType // the customisation in the settings by which it was recognised
	message   string       // of a JSON body, else the body's beginning
	isNull    bool         // the message is null
	graphQL   bool         // the body has a list of errors
	rest      bool         // an id of REST and WebSocket APIs is there
	http      bool         // the id of HTTP APIs is there
	challenge string
	server    string // in lower case
	via       string // in lower case
}

// maxExplained is how much of a body is looked at.
const maxExplained = 64 << 10

func (s *Seen) read() *answer {
	a := &answer{Seen: s}
	a.challenge = a.field("www-authenticate")
	a.server = strings.ToLower(a.field("server") + " " + a.field("x-cache"))
	a.via = strings.ToLower(a.field("via"))
	a.errorType, _, _ = strings.Cut(a.field("x-amzn-errortype"), ":")
	a.http = a.field("apigw-requestid") != ""
	a.rest = a.field("x-amz-apigw-id") != "" || a.errorType != "" || !a.http && a.field("x-amzn-requestid") != ""
	a.readBody(s.Body[:min(len(s.Body), maxExplained)])
	a.recognise()
	return a
}

// field is the last value of a header field, or nothing.
func (a *answer) field(name string) string {
	request := Request{Header: a.Header}
	return last(request.header(canonical(name)))
}

func (a *answer) readBody(body []byte) {
	var members map[string]any
	// A decoder does not mind what a tool printed behind the body.
	if json.NewDecoder(bytes.NewReader(body)).Decode(&members) != nil {
		a.message = string(body)
		return
	}
	_, a.graphQL = members["errors"].([]any)
	for key, value := range members {
		if strings.EqualFold(key, "message") {
			a.message, _ = value.(string)
			a.isNull = value == nil
			return
		}
	}
}

// words reports whether the message is a text and nothing else, or nothing is known of
// it: answers to HEAD have no body, and copied headers neither.
func (a *answer) words(text string) bool { return a.message == text || len(a.Body) == 0 }

func (a *answer) says(text string) bool { return strings.Contains(a.message, text) }

// recognise finds out which gateway response of a REST API an answer is: by its
// error type, or by the customised ones of the settings.
func (a *answer) recognise() {
	if a.errorType != "" {
		a.response = responseOf(a.errorType, a.Status, a.message)
	}
	if t, found, ok := a.customised(); ok {
		a.custom = t
		if t != Default4XX && t != Default5XX {
			a.response = t
		}
		a.learn(found)
	}
}

// responseOf is the gateway response with an error type. Several have the same.
func responseOf(errorType string, status int, message string) ResponseType {
	switch errorType {
	case "BadRequestException":
		switch {
		case status == 415:
			return UnsupportedMediaType
		case strings.HasPrefix(message, "Invalid request body"):
			return BadRequestBody
		}
		return BadRequestParameters
	case "InternalServerErrorException":
		if status == 504 && strings.Contains(message, "timed out") {
			return IntegrationTimeout
		}
		return IntegrationFailure
	case "SignatureDoesNotMatch":
		return InvalidSignature
	}
	for _, t := range ResponseTypes() {
		if d, _ := t.Default(); d.ErrorType == errorType && d.ErrorType != "" {
			return t
		}
	}
	return ""
}

// is reports whether the answer is a gateway response of one of some types.
func (a *answer) is(types ...ResponseType) bool {
	for _, t := range types {
		if a.response == t {
			return true
		}
	}
	return false
}

// gateway reports whether API Gateway was reached: its ids are on every answer
// that passes it, unless it was taken for one by its customised form.
func (a *answer) gateway() bool { return a.rest || a.http || a.custom != "" }

// fill puts the request, and what is known of it, into a row.
func (a *answer) fill(r *cause) Cause {
	c := r.Cause
	header := a.TokenHeader
	if header == "" {
		header = "Authorization"
	}
	request, typed := "the request", "METHOD PATH"
	if a.Path != "" {
		request = strings.TrimSpace(a.Method + " " + a.Path)
		typed = request
	}
	words := func(text, request string) string {
		return strings.NewReplacer("{request}", request, "{header}", header, "{description}", a.description(), "{message}", a.text()).Replace(text)
	}
	c.Meaning, c.Next = words(c.Meaning, request), words(c.Next, typed)
	c.Sign, c.Sure = a.sign(), c.Sure && (!r.request || !a.RequestUnknown) && a.proves(&c)
	if r.token {
		c.Facts = a.tokenFacts()
	}
	if fact := a.hiddenFromPages(); fact != "" {
		c.Facts = append(c.Facts, fact)
	}
	return c
}

// proves reports whether an answer has more than its words to show that it is API
// Gateway's: a backend, or a proxy, may use the same, and "Unauthorized" is what many a
// backend says. Where nothing but the body was saved, the words are what there is.
func (a *answer) proves(c *Cause) bool {
	if c.Who != ByGateway && c.Who != ByAuthorizer || a.errorType != "" || a.custom != "" || a.http || len(a.Header) == 0 {
		return true
	}
	return a.rest && a.message != "Unauthorized"
}

// description is the error_description of the www-authenticate header.
func (a *answer) description() string {
	_, rest, _ := strings.Cut(a.challenge, `error_description="`)
	text, _, _ := strings.Cut(rest, `"`)
	if text == "" {
		return "no reason is given"
	}
	return cut(text)
}

// text is the message on one line, cut to a sensible length.
func (a *answer) text() string {
	if text := strings.TrimRight(cut(oneLine(a.message)), ". "); text != "" {
		return text
	}
	return "there is no message"
}

// sign is by what an answer was recognised, the most telling first.
func (a *answer) sign() string {
	switch {
	case a.Status == 0:
		return ""
	case a.custom != "":
		return "the customised gateway response " + string(a.custom) + " of your settings"
	case a.errorType != "":
		return "x-amzn-ErrorType: " + cut(a.errorType)
	case a.http && a.challenge != "":
		return "apigw-requestid, www-authenticate"
	case a.http:
		return "apigw-requestid"
	case a.field("x-amz-apigw-id") != "":
		return "x-amz-apigw-id"
	case a.rest:
		return "x-amzn-RequestId"
	case len(a.Header) == 0:
		return "by its words; the header is not known"
	case strings.TrimSpace(a.server) != "":
		return "no id of API Gateway; server: " + cut(strings.TrimSpace(a.server))
	}
	return "no id of API Gateway"
}

// hiddenFromPages tells that a page never sees the refusal: gateway responses have
// no CORS headers unless the API adds them (AWS: "CORS for REST APIs").
func (a *answer) hiddenFromPages() string {
	if !a.Origin || !a.gateway() || a.field("access-control-allow-origin") != "" {
		return ""
	}
	return "the answer has no Access-Control-Allow-Origin, so that the browser reports a CORS error in its place: add the header to the gateway responses DEFAULT_4XX and DEFAULT_5XX"
}
