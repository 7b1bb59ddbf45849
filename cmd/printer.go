package cmd

import "gatepass/pkg/view"

// printer prints results for people on standard output.
func (app *App) printer() *view.Printer {
	return view.NewPrinter(app.IO.Out, app.IO.OutColor, app.IO.Width, app.Now)
}
