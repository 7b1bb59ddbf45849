package apigw

import "fmt"

// maxHead is how many bytes a request may have before its body: in REST APIs the values
// of all headers, and the URL by itself (of Regional APIs); in HTTP APIs the request line
// with the values of all headers (AWS: "Amazon API Gateway quotas").
const maxHead = 10240

// tooLarge refuses requests beyond these limits. The limits are documented, and the
// answers are not.
func (p *Pending) tooLarge() *Verdict {
	url := len(p.req.Path)
	if raw := p.rawQuery(); raw != "" {
		url += len("?") + len(raw)
	}
	head := len(p.req.Host)
	for _, values := range p.req.Header {
		for _, v := range values {
			head += len(v)
		}
	}
	s := Step{Step: StepRoute, Outcome: OutcomeRefused, Inferred: "the limit is documented, the answer is not"}
	r := refusal{t: Default4XX, status: 431, message: "Request Header Fields Too Large"}
	switch {
	case p.api.Kind == REST && url > maxHead:
		s.Reason = fmt.Sprintf("the URL has %d bytes, more than the %d that API Gateway takes", url, maxHead)
		r.status, r.message = 414, "Request URI too long"
	case p.api.Kind == REST && head > maxHead:
		s.Reason = fmt.Sprintf("the values of the headers have %d bytes, more than the %d that API Gateway takes", head, maxHead)
	case p.api.Kind == HTTP && head+p.requestLine(url) > maxHead:
		s.Reason = fmt.Sprintf("request line and values of headers have %d bytes, more than the %d that API Gateway takes", head+p.requestLine(url), maxHead)
	default:
		return nil
	}
	p.step(s)
	return p.refuse(r)
}

// requestLine is how many bytes a request line has.
func (p *Pending) requestLine(url int) int {
	return len(p.req.Method) + len(" ") + url + len(" ") + len(p.protocol())
}
