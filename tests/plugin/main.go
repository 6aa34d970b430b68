// SPDX-License-Identifier: Apache-2.0

// A real external plugin for the tests: a small secrets engine on the
// server's SDK.  Reading hello/NAME answers; reading try/NAME tries, as a
// plugin with the server's uid, to reach what the server keeps to itself, in
// a child of its own (a filter may kill it), and says what came of it.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/openbao/openbao/api/v2"
	"github.com/openbao/openbao/sdk/v2/framework"
	"github.com/openbao/openbao/sdk/v2/logical"
	"github.com/openbao/openbao/sdk/v2/plugin"
)

const tryVariable = "SALLYPORT_TEST_TRY"

func readFile(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "refused: " + err.Error()
	}
	defer f.Close()
	buf := make([]byte, 64)
	n, err := f.Read(buf)
	if err != nil && n == 0 {
		return "refused: " + err.Error()
	}
	return fmt.Sprintf("GOT %d bytes of %s", n, path)
}

func listDirectory(path string) string {
	names, err := os.ReadDir(path)
	if err != nil {
		return "refused: " + err.Error()
	}
	return fmt.Sprintf("GOT %d entries of %s", len(names), path)
}

// Descriptors beyond the standard ones that came along from the server.
func inherited() string {
	found := []string{}
	for fd := 3; fd < 256; fd++ {
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			found = append(found, strconv.Itoa(fd))
		}
	}
	if len(found) == 0 {
		return "refused: no file is open"
	}
	return "GOT files at descriptors " + strings.Join(found, " ")
}

func environment() string {
	for _, v := range os.Environ() {
		for _, bad := range []string{"AZURE", "TOKEN=", "ACCOUNT", "KEY=", "PASSWORD"} {
			if strings.Contains(strings.SplitN(v, "=", 2)[0]+"=", bad) {
				return "GOT " + strings.SplitN(v, "=", 2)[0]
			}
		}
	}
	return "refused: nothing secret in it"
}

func dial(protocol, port int) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, protocol)
	if err != nil {
		return "refused: socket: " + err.Error()
	}
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err == syscall.EACCES {
		return "refused: connect: " + err.Error()
	}
	return fmt.Sprintf("GOT as far as connect: %v", err)
}

func ptrace(pid int) string {
	_, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, syscall.PTRACE_ATTACH, uintptr(pid), 0, 0, 0, 0)
	return fmt.Sprintf("GOT an answer from ptrace: %v", e)
}

func vmRead(pid int) string {
	_, _, e := syscall.RawSyscall6(310, uintptr(pid), 0, 0, 0, 0, 0)
	return fmt.Sprintf("GOT an answer from process_vm_readv: %v", e)
}

// One try, in the child: argument is the server's pid as the plugin sees it.
func attempt(name string, pid int, base string) string {
	proc := fmt.Sprintf("/proc/%d/", pid)
	switch name {
	case "mem", "maps", "environ", "cmdline":
		return readFile(proc + name)
	case "fd":
		return listDirectory(proc + "fd")
	case "proc":
		return listDirectory("/proc")
	case "config":
		return readFile(base + "/conf/server.hcl")
	case "ours":
		return readFile(base + "/conf/sallyport.hcl")
	case "key":
		return readFile(base + "/tls/key.pem")
	case "passwd":
		return readFile("/etc/passwd")
	case "inherited":
		return inherited()
	case "environment":
		return environment()
	case "port80":
		return dial(0, 80)
	case "mptcp80":
		return dial(262, 80)
	case "ptrace":
		return ptrace(pid)
	case "vmread":
		return vmRead(pid)
	}
	return "unknown"
}

func try(_ context.Context, _ *logical.Request, d *framework.FieldData) (*logical.Response, error) {
	name := d.Get("name").(string)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", tryVariable, name, os.Getppid()))
	out, err := cmd.CombinedOutput()
	result := string(out)
	if err != nil {
		result = "refused: " + err.Error()
	}
	return &logical.Response{Data: map[string]interface{}{"result": result}}, nil
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
		Paths:       []*framework.Path{path("hello", hello), path("try", try)},
	}
	return b, b.Setup(ctx, c)
}

func main() {
	if words := strings.Fields(os.Getenv(tryVariable)); len(words) == 2 {
		pid, _ := strconv.Atoi(words[1])
		base := strings.TrimSuffix(os.Getenv("TMPDIR"), "/tmp")
		net.DefaultResolver = nil
		time.AfterFunc(5*time.Second, func() { os.Exit(3) })
		fmt.Print(attempt(words[0], pid, base))
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
