package awsapi

import "strings"

// Region is the region of the environment: AWS_REGION, which Lambda sets, or
// AWS_DEFAULT_REGION. It may be empty.
func Region(getenv func(string) string) string {
	if r := getenv("AWS_REGION"); r != "" {
		return r
	}
	return getenv("AWS_DEFAULT_REGION")
}

// Endpoints are the addresses of services in the environment, as AWS's tools know
// them: AWS_ENDPOINT_URL_S3 and so on, AWS_ENDPOINT_URL for all, unless
// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true (AWS SDKs and Tools Reference Guide,
// "Service-specific endpoints").
func Endpoints(getenv func(string) string) func(service string) string {
	return func(service string) string {
		if strings.EqualFold(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
			return ""
		}
		if own := getenv("AWS_ENDPOINT_URL_" + service); own != "" {
			return own
		}
		return getenv("AWS_ENDPOINT_URL")
	}
}
