// Package awsapi makes the few requests to AWS that gatepass needs: an object of
// S3, a parameter of Systems Manager, a secret of Secrets Manager, an item of
// DynamoDB, and running a Lambda function.
//
// It promises that nothing is asked for before a request is made: no file is read
// and no credentials are looked up when a [Client] is built. Answers are capped in
// size, every try has a time limit, and no error holds a secret. An error that
// says "not allowed" names the permission that is missing.
//
// Whose credentials count is said by a [Provider]; [Environment], [Profile] and
// [FirstOf] are those that the AWS tools know. Requests are signed by a [Signer],
// which is that of AWS's SDK, in package sigv4.
package awsapi
