// Package policy is the IAM policy language as API Gateway uses it: what a
// Lambda authorizer returns, what a resource policy says, and the policy of an
// authorizer file, which may also speak of the token.
//
// It owns the strict parse with positions ([Parse]), the matching of actions,
// resources, principals and conditions ([Document.Decide], [Document.Explain]),
// the findings about a policy that parses but will not do what its author meant
// ([Validate]), and the step from a policy about tokens to an ordinary one
// ([Specialize]).
//
// It promises that a decision is a function of the document and the request and
// nothing else, that the zero value of everything denies, that Decide and
// Explain go through the same code, and that all work is linear in pattern × text
// and in the size of the document, whatever they hold. A Document is not changed
// once it is parsed and may be used from many goroutines.
//
// Rules are those of the IAM user guide, cited by page; what AWS does not
// document is marked "inferred" where it is decided.
package policy
