// SPDX-License-Identifier: Apache-2.0

// A real external plugin for the tests: a small secrets engine on the
// server's SDK.  Reading hello/NAME answers.  Reading try/NAME tries, as a
// plugin with the server's uid, what it must not get (tries.go); use/NAME
// does what an honest plugin may (uses.go).  Both happen in a child of its
// own, since a filter may kill it, and say what came of it.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/openbao/openbao/api/v2"
	"github.com/openbao/openbao/sdk/v2/framework"
	"github.com/openbao/openbao/sdk/v2/logical"
	"github.com/openbao/openbao/sdk/v2/plugin"
)

// SALLYPORT_TEST_TRY="KIND NAME PID": be that child.
const tryVariable = "SALLYPORT_TEST_TRY"

func inChild(kind string) framework.OperationFunc {
	return func(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", tryVariable, kind, d.Get("name"), os.Getppid()))
		out, err := cmd.CombinedOutput()
		result := string(out)
		if err != nil {
			result = "refused: " + err.Error()
		}
		return &logical.Response{Data: map[string]interface{}{"result": result}}, nil
	}
}

// The child: pid is the server's, as the plugin sees it.
func child(kind, name string, pid int) {
	base := strings.TrimSuffix(os.Getenv("TMPDIR"), "/tmp")
	net.DefaultResolver = nil
	time.AfterFunc(20*time.Second, func() { os.Exit(3) })
	if kind == "use" {
		fmt.Print(use(name))
	} else {
		fmt.Print(attempt(name, pid, base))
	}
}

func hello(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	return &logical.Response{Data: map[string]interface{}{"hello": d.Get("name")}}, nil
}

func path(prefix string, read framework.OperationFunc) *framework.Path {
	return &framework.Path{
		Pattern:   prefix + "/" + framework.GenericNameRegex("name"),
		Fields:    map[string]*framework.FieldSchema{"name": {Type: framework.TypeString}},
		Callbacks: map[logical.Operation]framework.OperationFunc{logical.ReadOperation: read},
	}
}

func factory(ctx context.Context, c *logical.BackendConfig) (logical.Backend, error) {
	b := &framework.Backend{
		BackendType: logical.TypeLogical,
		Paths:       []*framework.Path{path("hello", hello), path("try", inChild("try")), path("use", inChild("use"))},
	}
	return b, b.Setup(ctx, c)
}

func main() {
	if words := strings.Fields(os.Getenv(tryVariable)); len(words) == 3 {
		pid, _ := strconv.Atoi(words[2])
		child(words[0], words[1], pid)
		return
	}
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		os.Exit(1)
	}
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: factory,
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
	}); err != nil {
		os.Exit(1)
	}
}
