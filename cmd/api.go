package cmd

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// apiFlags say which API a decision is about. What they leave open comes from
// the URL of the profile's API, and is made up where that does not tell.
type apiFlags struct {
	arn, stage, id, region, account, denial string
	ttl                                     int
}

func (f *apiFlags) bind(fs *pflag.FlagSet) {
	fs.StringVar(&f.arn, "arn", "", "`ARN` of the API and stage: arn:aws:execute-api:REGION:ACCOUNT:API/STAGE")
	fs.StringVar(&f.stage, "stage", "", "`name` of the stage (default: that of the API's URL, or prod)")
	fs.StringVar(&f.id, "api-id", "", "`id` of the API in ARNs (default: that of the API's URL, or local)")
	fs.StringVar(&f.region, "region", "", "`region` in ARNs (default: that of the API's URL, or us-east-1)")
	fs.StringVar(&f.account, "account", "", "`account` in ARNs (default 123456789012)")
	fs.IntVar(&f.ttl, "ttl", 300, "`seconds` for which the authorizer's answers are cached, 0 to 3600")
	fs.StringVar(&f.denial, "denial-text", "current", "texts of refusals, `current` or legacy: AWS changed them around 2025")
}

// api is the REST API of a profile with one authorizer for all of its routes.
func (f *apiFlags) api(p *config.Profile, a *apigw.Authorizer) (*apigw.API, error) {
	api := restAPI(p)
	if err := f.placeFromARN(api); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		given string
		to    *string
	}{{f.stage, &api.Stage}, {f.id, &api.ID}, {f.region, &api.Region}, {f.account, &api.Account}} {
		if x.given != "" {
			*x.to = x.given
		}
	}
	switch f.denial {
	case "current":
	case "legacy":
		api.Denial = apigw.LegacyText
	default:
		return nil, fault.New(fault.Usage, "--denial-text takes current or legacy, not %q", f.denial)
	}
	if f.ttl < 0 || f.ttl > 3600 {
		return nil, fault.New(fault.Usage, "want --ttl from 0 to 3600 seconds, got %d", f.ttl)
	}
	a.TTL = &f.ttl
	api.Default.Authorizer = a
	return api, nil
}

// placeFromARN reads the ARN of a stage, or of any method of it.
func (f *apiFlags) placeFromARN(api *apigw.API) error {
	if f.arn == "" {
		return nil
	}
	text := f.arn
	for strings.Count(text, "/") < 2 { // API/STAGE will do
		text = strings.TrimSuffix(text, "/") + "/GET"
	}
	a, err := apigw.ParseARN(text)
	if err != nil {
		return fault.New(fault.Usage, "--arn: %w", err).
			WithHint("for example arn:aws:execute-api:eu-west-1:123456789012:abc123/prod")
	}
	api.Partition, api.Region, api.Account, api.ID, api.Stage = a.Partition, a.Region, a.Account, a.API, a.Stage
	return nil
}

// readDocument reads a JSON or YAML file named by the user; "-" is standard
// input.
func readDocument(app *App, name string) (*source.Node, error) {
	data, err := readFile(app, name, source.MaxJSON)
	if err != nil {
		return nil, err
	}
	if name == "-" {
		name = "standard input"
	}
	return source.Parse(name, data)
}

// readFile reads a file named by the user, up to a size; "-" is standard input.
func readFile(app *App, name string, most int64) ([]byte, error) {
	in, what := app.IO.In, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fileError(err)
		}
		defer f.Close()
		in, what = f, name
	}
	return readUpTo(in, what, most)
}
