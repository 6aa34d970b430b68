// SPDX-License-Identifier: Apache-2.0

// HashiCorp Vault's own command, built from its modules.
package main

import (
	"os"

	"github.com/hashicorp/vault/command"
)

func main() {
	os.Exit(command.Run(os.Args[1:]))
}
