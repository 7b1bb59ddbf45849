package view

// Init is what the first set-up made.
type Init struct {
	SchemaVersion int      `json:"schemaVersion"`
	Profile       string   `json:"profile"`
	Issuer        string   `json:"issuer"`
	ClientID      string   `json:"clientId"`
	RedirectURIs  []string `json:"redirectUris"` // to be registered for the app
	Files         []string `json:"files"`        // that were written
	Kept          []string `json:"kept"`         // that were there already and are used
	Next          []string `json:"next"`         // commands to run
}

// Init prints what was made, and what to register.
func (p *Printer) Init(i Init) {
	for _, f := range i.Files {
		p.Line(p.Good("✓"), "wrote", p.Bold(p.Outside(f)))
	}
	for _, f := range i.Kept {
		p.Line(p.Dim("–"), "left", p.Bold(p.Outside(f)), "as it was")
	}
	p.Printf("\n%s\n\n", p.Wrap(0, "These redirect URIs must be registered in OneLogin, one a line: Applications, the app, Configuration, Redirect URI's. A change takes up to 10 minutes to work."))
	for _, u := range i.RedirectURIs {
		p.Printf("  %s\n", p.Outside(u))
	}
}

// Next prints commands to run.
func (p *Printer) Next(commands []string) {
	p.Printf("\nNext:\n")
	for _, c := range commands {
		p.Printf("  %s\n", p.Outside(c))
	}
}
