// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// A call that only an attacker makes, with arguments that the kernel would
// answer with something else than EPERM (or with success) if nothing stood
// before it.
type call struct {
	nr   uintptr
	args [6]uintptr
}

const (
	none   = ^uintptr(0) // -1
	absent = uintptr(1)  // an address where nothing is
)

var raw = map[string]call{
	"ptrace":             {101, [6]uintptr{0}}, // PTRACE_TRACEME
	"process_vm_readv":   {310, [6]uintptr{none}},
	"process_vm_writev":  {311, [6]uintptr{none}},
	"pidfd_getfd":        {438, [6]uintptr{none}},
	"kcmp":               {312, [6]uintptr{none, none}},
	"process_madvise":    {440, [6]uintptr{none}},
	"process_mrelease":   {448, [6]uintptr{none}},
	"bpf":                {321, [6]uintptr{none, absent, 8}},
	"userfaultfd":        {323, [6]uintptr{1}}, // UFFD_USER_MODE_ONLY
	"perf_event_open":    {298, [6]uintptr{absent}},
	"io_uring_setup":     {425, [6]uintptr{1, absent}},
	"io_uring_enter":     {426, [6]uintptr{none}},
	"io_uring_register":  {427, [6]uintptr{none}},
	"keyctl":             {250, [6]uintptr{0, none}},
	"add_key":            {248, [6]uintptr{absent, absent, 0, 0, none}},
	"request_key":        {249, [6]uintptr{absent, absent, 0, none}},
	"mount":              {165, [6]uintptr{absent, absent, absent}},
	"umount2":            {166, [6]uintptr{absent}},
	"move_mount":         {429, [6]uintptr{none, absent, none, absent}},
	"open_tree":          {428, [6]uintptr{none, absent}},
	"fsopen":             {430, [6]uintptr{absent}},
	"fsconfig":           {431, [6]uintptr{none}},
	"fsmount":            {432, [6]uintptr{none}},
	"fspick":             {433, [6]uintptr{none, absent}},
	"mount_setattr":      {442, [6]uintptr{none, absent}},
	"pivot_root":         {155, [6]uintptr{absent, absent}},
	"chroot":             {161, [6]uintptr{absent}},
	"quotactl":           {179, [6]uintptr{none}},
	"setns":              {308, [6]uintptr{none}},
	"unshare":            {272, [6]uintptr{0}},
	"kexec_load":         {246, [6]uintptr{0, 0, 0, 0xffff}},
	"init_module":        {175, [6]uintptr{absent}},
	"finit_module":       {313, [6]uintptr{none}},
	"delete_module":      {176, [6]uintptr{absent}},
	"reboot":             {169, [6]uintptr{}},
	"swapon":             {167, [6]uintptr{absent}},
	"swapoff":            {168, [6]uintptr{absent}},
	"acct":               {163, [6]uintptr{absent}},
	"syslog":             {103, [6]uintptr{3, absent, 1}},
	"settimeofday":       {164, [6]uintptr{absent}},
	"clock_settime":      {227, [6]uintptr{0, absent}},
	"adjtimex":           {159, [6]uintptr{absent}},
	"sethostname":        {170, [6]uintptr{absent, 1}},
	"iopl":               {172, [6]uintptr{0}},
	"ioperm":             {173, [6]uintptr{0, 1, 0}},
	"modify_ldt":         {154, [6]uintptr{0, absent, 1}},
	"personality":        {135, [6]uintptr{0xffffffff}},
	"name_to_handle_at":  {303, [6]uintptr{none, absent}},
	"open_by_handle_at":  {304, [6]uintptr{none, absent}},
	"migrate_pages":      {256, [6]uintptr{}},
	"move_pages":         {279, [6]uintptr{}},
	"mbind":              {237, [6]uintptr{}},
	"set_mempolicy":      {238, [6]uintptr{}},
	"clone_newuser":      {56, [6]uintptr{0x10000000 | 17}},
	"clone_newns":        {56, [6]uintptr{0x00020000 | 17}},
	"clone_newnet":       {56, [6]uintptr{0x40000000 | 17}},
	"socket_packet":      {41, [6]uintptr{17, 3, 0}},
	"socket_raw":         {41, [6]uintptr{2, 3, 6}},
	"socket_vsock":       {41, [6]uintptr{40, 1, 0}},
	"socket_alg":         {41, [6]uintptr{38, 5, 0}},
	"socket_sctp":        {41, [6]uintptr{2, 1, 132}},
	"socket_generic":     {41, [6]uintptr{16, 3, 16}}, // generic netlink
	"socket_mptcp":       {41, [6]uintptr{2, 1, 262}},
	"socket_mptcp6":      {41, [6]uintptr{10, 1, 262}},
	"socket_mptcp_high":  {41, [6]uintptr{2, 1, 1<<32 | 262}},
	"mmap_exec":          {9, [6]uintptr{0, 4096, 5, 0x22, none}},
	"mmap_write_exec":    {9, [6]uintptr{0, 4096, 7, 0x22, none}},
	"mprotect_exec":      {10, [6]uintptr{0, 0, 4}},
	"pkey_mprotect":      {329, [6]uintptr{0, 0, 4, none}},
	"shmat":              {30, [6]uintptr{none}},
	"memfd_create":       {319, [6]uintptr{absent}},
	"memfd_secret":       {447, [6]uintptr{}},
	"execveat":           {322, [6]uintptr{none, absent}},
	"seccomp":            {317, [6]uintptr{2}}, // is an action known?
	"landlock":           {444, [6]uintptr{0, 0, 1}},
	"setuid":             {105, [6]uintptr{0}},
	"setgid":             {106, [6]uintptr{0}},
	"setgroups":          {116, [6]uintptr{}},
	"capset":             {126, [6]uintptr{absent, absent}},
	"mknodat":            {259, [6]uintptr{none, absent, 0x2000}},
	"prctl_dumpable":     {157, [6]uintptr{4, 1}},
	"prctl_ptracer":      {157, [6]uintptr{0x59616d61, none}},
	"ioctl_sti":          {16, [6]uintptr{none, 0x5412}},
	"ioctl_sti_high":     {16, [6]uintptr{none, 1<<32 | 0x5412}},
	"fcntl_setlease":     {72, [6]uintptr{none, 1024}},
	"prlimit_other":      {302, [6]uintptr{1, 7}},
	"sched_setscheduler": {144, [6]uintptr{0, none}},
	"fanotify_init":      {300, [6]uintptr{0, 0}},
	"get_mempolicy":      {239, [6]uintptr{}},
	"x32_getpid":         {0x40000000 + 39, [6]uintptr{}},
}

func refused(err error) bool {
	return err == syscall.EPERM || err == syscall.EACCES
}

func said(what string, err error) string {
	if refused(err) {
		return fmt.Sprintf("refused: %s: %v", what, err)
	}
	return fmt.Sprintf("GOT an answer from %s: %v", what, err)
}

func rawCall(name string, c call) string {
	r, _, e := syscall.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
	if c.nr == syscall.SYS_CLONE && e == 0 && r == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0) // the child
	}
	if e == 0 {
		return "GOT " + name
	}
	return said(name, e)
}

func readFile(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "refused: " + err.Error()
	}
	defer f.Close()
	n, err := f.Read(make([]byte, 64))
	return fmt.Sprintf("GOT %d bytes of %s (%v)", n, path, err)
}

func writeFile(path string) string {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0600)
	if err != nil {
		return "refused: " + err.Error()
	}
	f.Close()
	return "GOT to write " + path
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

func dial(family, protocol, port int) string {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, protocol)
	if err != nil {
		return said("socket", err)
	}
	var to syscall.Sockaddr = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if family == syscall.AF_INET6 {
		to = &syscall.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}
	}
	return said("connect", syscall.Connect(fd, to))
}

func bindPort(port int) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return said("socket", err)
	}
	return said("bind", syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
}

// TCP Fast Open: a send that connects (MSG_FASTOPEN), by each call that sends.
func fastOpen(nr uintptr, family, port int) string {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return said("socket", err)
	}
	const flag = 0x20000000
	to := [28]byte{byte(family), 0, byte(port >> 8), byte(port)}
	length := uintptr(16)
	if family == syscall.AF_INET6 {
		to[23], length = 1, 28
	} else {
		copy(to[4:], []byte{127, 0, 0, 1})
	}
	data := []byte("x")
	address, first := uintptr(unsafe.Pointer(&to)), uintptr(unsafe.Pointer(&data[0]))
	iov := syscall.Iovec{Base: &data[0], Len: 1}
	msg := struct {
		head syscall.Msghdr
		sent uint64
	}{head: syscall.Msghdr{Name: &to[0], Namelen: uint32(length), Iov: &iov, Iovlen: 1}}
	args := map[uintptr][6]uintptr{
		syscall.SYS_SENDTO:  {uintptr(fd), first, 1, flag, address, length},
		syscall.SYS_SENDMSG: {uintptr(fd), uintptr(unsafe.Pointer(&msg)), flag},
		307:                 {uintptr(fd), uintptr(unsafe.Pointer(&msg)), 1, flag}, // sendmmsg
	}[nr]
	_, _, e := syscall.RawSyscall6(nr, args[0], args[1], args[2], args[3], args[4], args[5])
	runtime.KeepAlive(&to)
	runtime.KeepAlive(&msg)
	return said("a send that connects", e)
}

// Writes a program and runs it.
func writeAndRun() string {
	path := os.Getenv("TMPDIR") + "/program"
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		return "refused: " + err.Error()
	}
	if err := os.WriteFile(path, self, 0700); err != nil {
		return "refused: " + err.Error()
	}
	defer os.Remove(path)
	cmd := exec.Command(path)
	cmd.Env = []string{tryVariable + "=try environment 1"}
	if err := cmd.Run(); err != nil {
		return "refused: " + err.Error()
	}
	return "GOT to run " + path
}

// An abstract socket of somebody outside, named by the test.
func abstract() string {
	conn, err := net.Dial("unix", "@"+os.Getenv("SALLYPORT_TEST_ABSTRACT"))
	if err != nil {
		return "refused: " + err.Error()
	}
	conn.Close()
	return "GOT an abstract socket"
}

// What this process is, for a test that started it without a server: dir is
// one that it may write.
func state(dir string) string {
	var core, files syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_CORE, &core)
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
	fds := []int{} // Go's own poller has no type: those are its
	for fd := 0; fd < 200; fd++ {
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT != 0 {
			fds = append(fds, fd)
		}
	}
	var made syscall.Stat_t
	if f, err := os.OpenFile(filepath.Join(dir, "made"), os.O_CREATE|os.O_WRONLY, 0666); err == nil {
		syscall.Fstat(int(f.Fd()), &made)
		f.Close()
	}
	text, _ := json.Marshal(map[string]interface{}{
		"mode": made.Mode & 07777, "core": core.Max, "nofile": files.Max, "env": os.Environ(), "fds": fds,
		"passwd": readFile("/etc/passwd"), "connect": dial(syscall.AF_INET, 0, 22),
	})
	return string(text)
}

// NAME or NAME-ARGUMENT
func attempt(name string, pid int, base string) string {
	name, argument, _ := strings.Cut(name, "-")
	number, _ := strconv.Atoi(argument)
	proc := fmt.Sprintf("/proc/%d/", pid)
	if c, ok := raw[name]; ok {
		return rawCall(name, c)
	}
	switch name {
	case "state":
		return state(argument)
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
	case "write_config":
		return writeFile(base + "/conf/server.hcl")
	case "write_key":
		return writeFile(base + "/tls/key.pem")
	case "write_plugin":
		return writeFile(filepath.Join(filepath.Dir(os.Args[0]), "new"))
	case "passwd":
		return readFile("/etc/passwd")
	case "read":
		return readFile(argument)
	case "write":
		return writeFile(argument)
	case "run":
		return said("execve", syscall.Exec(argument, []string{argument}, nil))
	case "symlink":
		return said("symlink", syscall.Symlink("/etc/passwd", base+"/tmp/link"))
	case "signal":
		return said("kill", syscall.Kill(number, 0))
	case "inherited":
		return inherited()
	case "environment":
		return environment()
	case "abstract":
		return abstract()
	case "written":
		return writeAndRun()
	case "connect":
		return dial(syscall.AF_INET, 0, number)
	case "connect6":
		return dial(syscall.AF_INET6, 0, number)
	case "mptcp":
		return dial(syscall.AF_INET, 262, number)
	case "bind":
		return bindPort(number)
	case "mptcp6":
		return dial(syscall.AF_INET6, 262, number)
	case "fastopen_sendto":
		return fastOpen(syscall.SYS_SENDTO, syscall.AF_INET, number)
	case "fastopen_sendto6":
		return fastOpen(syscall.SYS_SENDTO, syscall.AF_INET6, number)
	case "fastopen_sendmsg":
		return fastOpen(syscall.SYS_SENDMSG, syscall.AF_INET, number)
	case "fastopen_sendmmsg":
		return fastOpen(307, syscall.AF_INET, number)
	case "attach":
		_, _, e := syscall.RawSyscall6(syscall.SYS_PTRACE, syscall.PTRACE_ATTACH, uintptr(pid), 0, 0, 0, 0)
		return said("ptrace", e)
	case "vmread":
		var b byte
		iov := []syscall.Iovec{{Base: &b, Len: 1}}
		_, _, e := syscall.RawSyscall6(310, uintptr(pid), uintptr(unsafe.Pointer(&iov[0])), 1, uintptr(unsafe.Pointer(&iov[0])), 1, 0)
		return said("process_vm_readv", e)
	}
	return "unknown"
}
