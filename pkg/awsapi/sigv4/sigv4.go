// Package sigv4 signs requests to AWS with the signer of AWS's SDK for Go. It is a
// package of its own so that only what talks to AWS brings the SDK.
package sigv4

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatepass/pkg/awsapi"
)

// Sign is an [awsapi.Signer].
func Sign(ctx context.Context, c awsapi.Credentials, r *http.Request, payloadHash, service, region string, at time.Time) error {
	cred := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
	return v4.NewSigner().SignHTTP(ctx, cred, r, payloadHash, service, region, at, func(o *v4.SignerOptions) {
		// S3 takes the path as it is sent; every other service escapes it once more
		// (Signature Version 4, canonical request).
		o.DisableURIPathEscaping = service == "s3"
	})
}
