// Gatepass logs people in at OneLogin, shows what is inside their tokens, says
// what AWS API Gateway would decide about a request and why, and makes the
// request.
package main

import (
	"os"

	"gatepass/cmd"
)

func main() { os.Exit(cmd.Main()) }
