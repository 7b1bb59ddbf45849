package cmd

import "gatepass/pkg/view"

// printer prints results for people on standard output.
// cleaned is the App of a command whose results have no token in them: none is
// printed, whatever the issuer sends back of what it was sent.
func (app *App) cleaned() *App {
	if app.IO == nil { // the tree is made for its help alone
		return app
	}
	streams := *app.IO
	streams.Out = app.Secrets.Guard(streams.Out)
	with := *app
	with.IO = &streams
	return &with
}

func (app *App) printer() *view.Printer {
	return view.NewPrinter(app.IO.Out, app.IO.OutColor, app.IO.Width, app.Now)
}
