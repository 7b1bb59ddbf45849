package config

import (
	"net/url"
	"slices"
	"strings"

	"gatepass/pkg/loopback"
)

// Client is another profile, as far as it matters to this one: who logs people in
// with it, and where their answers come to.
type Client struct {
	Profile, Issuer string
	RedirectURIs    []string
}

// Others are the other profiles of the settings files that have an issuer, in the
// order of [Profile.Known]. Flags and variables are about this profile, and are
// not in them.
func (p *Profile) Others() []Client {
	var list []Client
	for _, name := range p.Known {
		if name == p.Name {
			continue
		}
		var layers []layer // the project's file before the user's
		for _, f := range p.files {
			layers = append(layers, f.layer(name))
		}
		l := strongest(layers...)
		c := Client{Profile: name, RedirectURIs: l["redirect_uris"].Values}
		if v := l["issuer"].Values; len(v) > 0 {
			c.Issuer = v[0]
		}
		if c.RedirectURIs == nil {
			c.RedirectURIs = byDefault("redirect_uris")
		}
		if c.Issuer != "" {
			list = append(list, c)
		}
	}
	return list
}

// Sharing are those of [Profile.Others] whose answers come to a redirect URI of this
// profile, from an issuer that somebody else runs. RFC 9700 section 4.4 wants a
// redirect URI for each issuer, or an iss in the answer: else the other issuer can
// send a person on to this one, and is then given the code that comes back.
func (p *Profile) Sharing() []Client {
	return slices.DeleteFunc(p.Others(), func(c Client) bool {
		shared := slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return slices.Contains(p.RedirectURIs, uri) })
		return !shared || sameOwner(p.Issuer, c.Issuer)
	})
}

// sameOwner reports whether two issuers are most likely run by the same people: the
// tenants of one provider, two hosts of one domain, or a stand-in on this machine.
func sameOwner(a, b string) bool {
	hosts := [2]string{}
	for i, issuer := range []string{a, b} {
		u, err := url.Parse(issuer)
		if err != nil {
			return false
		}
		if loopback.Is(u.Hostname()) {
			return true
		}
		hosts[i] = strings.ToLower(u.Hostname())
	}
	_, parent, _ := strings.Cut(hosts[0], ".")
	_, other, _ := strings.Cut(hosts[1], ".")
	// What is below "co.uk" or "com" has many owners.
	first, rest, deep := strings.Cut(parent, ".")
	return hosts[0] == hosts[1] || parent == other && deep && (len(first) > 3 || strings.Contains(rest, "."))
}

// byDefault are the values of a setting that nothing says anything of.
func byDefault(key string) []string {
	for _, s := range written() {
		if s.Key == key {
			return s.Default
		}
	}
	return nil
}
