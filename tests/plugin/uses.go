// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// What an honest plugin may do by Go's standard library, one name for each
// part of the policy.  Every step's error is an error.  NAME or NAME-PORT, the
// port that may be connected to.
func use(name string) string {
	name, port, _ := strings.Cut(name, "-")
	all := map[string]func(dir string) error{
		"files": files, "locks": locks, "copies": copies, "maps": maps,
		"processes": processes, "signals": signals, "threads": threads,
		"datagrams": datagrams, "profile": profile, "machine": machine, "sleep": sleep, "wait": wait,
		"streams": func(dir string) error { return streams(dir, port) },
	}
	f, ok := all[name]
	if !ok {
		return "unknown"
	}
	dir, err := os.MkdirTemp("", "use")
	if err == nil {
		defer os.RemoveAll(dir)
		err = f(dir)
	}
	if err != nil {
		return fmt.Sprintf("failed: %v", err)
	}
	return "done"
}

func files(dir string) error {
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	f, err := os.OpenFile(a, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("abc")
	_, seek := f.Seek(0, io.SeekStart)
	_, write := f.Stat()
	err = errors.Join(err, seek, write, f.Sync(), f.Truncate(2), f.Chmod(0640),
		syscall.Fdatasync(int(f.Fd())), os.Chmod(a, 0600), os.Chown(a, os.Getuid(), -1), f.Chown(-1, os.Getgid()),
		os.Chtimes(a, time.Now(), time.Now()), os.Rename(a, b), os.Link(b, a),
		syscall.Access(a, 4), os.Mkdir(filepath.Join(dir, "d"), 0700))
	_, names := os.ReadDir(dir)
	_, lstat := os.Lstat(a)
	buf := make([]byte, 2)
	_, at := f.ReadAt(buf, 0)
	g, open := os.OpenFile(b, os.O_RDWR|os.O_TRUNC, 0)
	if open == nil {
		_, open = g.WriteAt(buf, 0)
		g.Close()
	}
	_, cwd := os.Getwd()
	if _, link := os.Readlink(a); !errors.Is(link, syscall.EINVAL) {
		err = errors.Join(err, link)
	}
	return errors.Join(err, names, lstat, at, open, cwd, os.RemoveAll(filepath.Join(dir, "d")))
}

func locks(dir string) error {
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer f.Close()
	const ofdGetLock = 36
	lock, open := syscall.Flock_t{Type: syscall.F_WRLCK}, syscall.Flock_t{Type: syscall.F_WRLCK}
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.Flock(int(f.Fd()), syscall.LOCK_UN),
		syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock), syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock),
		syscall.FcntlFlock(f.Fd(), ofdGetLock, &open))
}

// io.Copy between what the kernel copies by itself.
func copies(dir string) error {
	a, err := os.Create(filepath.Join(dir, "a"))
	if err != nil {
		return err
	}
	b, err := os.Create(filepath.Join(dir, "b"))
	if err != nil {
		return err
	}
	defer a.Close()
	defer b.Close()
	a.Write(bytes.Repeat([]byte("x"), 1<<16))
	a.Seek(0, 0)
	if _, err = io.Copy(b, a); err != nil { // copy_file_range
		return err
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			io.Copy(c, bytes.NewReader(make([]byte, 1<<16)))
			c.Close()
		}
	}()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.Copy(b, c) // splice
	return err
}

func maps(dir string) error {
	f, err := os.Create(filepath.Join(dir, "m"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err = f.Truncate(1 << 20); err != nil {
		return err
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, 1<<20, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	err = syscall.Madvise(m, syscall.MADV_RANDOM)
	// the heap grows, shrinks and is given back
	for i := 0; i < 8; i++ {
		big := make([]byte, 64<<20)
		big[i<<20] = 1
		runtime.KeepAlive(big)
		debug.FreeOSMemory()
	}
	return errors.Join(err, syscall.Munmap(m))
}

// A child that lives until it is ended; end is called with its pid, once it
// runs: before that no signal would end it by its own hand.
func ended(end func(p *os.Process) error) error {
	cmd := exec.Command(os.Args[0])
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), tryVariable+"=use wait 1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = out.Read(make([]byte, 1))
	err = errors.Join(err, end(cmd.Process))
	var exit *exec.ExitError
	if wait := cmd.Wait(); !errors.As(wait, &exit) {
		err = errors.Join(err, fmt.Errorf("the child ended with %v", wait))
	}
	return err
}

// Children as os.Process has them: by pidfd, where the kernel has that.
func processes(string) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{tryVariable + "=try environment 1"}
	if err := cmd.Run(); err != nil {
		return err
	}
	err := ended(func(p *os.Process) error {
		return errors.Join(p.Signal(syscall.Signal(0)), p.Signal(syscall.SIGTERM))
	})
	return errors.Join(err, ended(func(p *os.Process) error { return p.Kill() }))
}

// And by kill(2), as older versions of Go do.
func signals(string) error {
	err := ended(func(p *os.Process) error {
		return errors.Join(syscall.Kill(p.Pid, 0), syscall.Kill(p.Pid, syscall.SIGTERM))
	})
	err = errors.Join(err, ended(func(p *os.Process) error { return syscall.Kill(p.Pid, syscall.SIGKILL) }))
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGTERM)
	err = errors.Join(err, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	select {
	case <-got:
		return err
	case <-time.After(5 * time.Second):
		return errors.Join(err, errors.New("no signal came"))
	}
}

// Says that it runs, and lives.
func wait(string) error {
	fmt.Print(".")
	return sleep("")
}

// Three seconds in one nanosleep(2), for a test that stops and continues it.
func sleep(string) error {
	t := syscall.Timespec{Sec: 3}
	for {
		if err := syscall.Nanosleep(&t, &t); err != syscall.EINTR {
			return err
		}
	}
}

func threads(string) error {
	var wg sync.WaitGroup
	for i := 0; i < 64; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // the thread ends with the goroutine
			time.Sleep(10 * time.Millisecond)
		}()
	}
	wg.Wait()
	stop := time.Now().Add(50 * time.Millisecond)
	for time.Now().Before(stop) { // preempted by SIGURG
	}
	return nil
}

func datagrams(string) error {
	for network, address := range map[string]string{"udp4": "127.0.0.1:0", "udp6": "[::1]:0"} {
		a, err := net.ListenPacket(network, address)
		if err != nil {
			return err
		}
		defer a.Close()
		c, err := net.Dial(network, a.LocalAddr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err = c.Write([]byte("x")); err != nil {
			return err
		}
		buf, oob := make([]byte, 8), make([]byte, 64)
		_, from, err := a.ReadFrom(buf)
		if err != nil {
			return err
		}
		if _, err = a.WriteTo(buf, from); err != nil {
			return err
		}
		if _, _, _, _, err = c.(*net.UDPConn).ReadMsgUDP(buf, oob); err != nil {
			return err
		}
		if _, _, err = a.(*net.UDPConn).WriteMsgUDP(buf, nil, from.(*net.UDPAddr)); err != nil {
			return err
		}
	}
	_, err := net.InterfaceAddrs()
	return err
}

// The server's own port, by TCP, and a stream beside it.
func streams(dir, port string) error {
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		return err
	}
	defer f.Close()
	f.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Seek(0, 0)
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	defer c.Close()
	t := c.(*net.TCPConn)
	if _, err = t.ReadFrom(f); err != nil { // sendfile
		return err
	}
	v := net.Buffers{[]byte("a"), []byte("b")}
	if _, err = v.WriteTo(t); err != nil { // writev
		return err
	}
	raw, err := t.File() // F_DUPFD_CLOEXEC
	if err != nil {
		return err
	}
	defer raw.Close()
	// the server may have hung up on such a client already
	if err := t.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		return err
	}
	return errors.Join(t.SetLinger(1), t.SetKeepAlive(true), t.SetReadBuffer(1<<16),
		syscall.SetsockoptInt(int(raw.Fd()), syscall.IPPROTO_TCP, 18, 1000)) // TCP_USER_TIMEOUT
}

func profile(string) error {
	var out bytes.Buffer
	if err := pprof.StartCPUProfile(&out); err != nil {
		return err
	}
	threads("")
	pprof.StopCPUProfile()
	return nil
}

func machine(string) error {
	var st syscall.Statfs_t
	var info syscall.Sysinfo_t
	var usage syscall.Rusage
	var limit syscall.Rlimit
	var name syscall.Utsname
	_, groups := os.Getgroups()
	_, look := exec.LookPath(os.Args[0])
	os.Getppid()
	os.Geteuid()
	os.Getegid()
	// what the vDSO answers elsewhere
	var now [2]int64
	at := uintptr(unsafe.Pointer(&now))
	_, _, clock := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, at, 0)
	_, _, day := syscall.RawSyscall(syscall.SYS_GETTIMEOFDAY, at, 0, 0)
	if clock != 0 || day != 0 {
		return errors.Join(clock, day)
	}
	var terminal [64]byte
	_, _, tty := syscall.RawSyscall(syscall.SYS_IOCTL, 0, syscall.TCGETS, uintptr(unsafe.Pointer(&terminal)))
	// /dev/null is no terminal, and Landlock may say so first
	if tty != 0 && tty != syscall.ENOTTY && tty != syscall.EACCES {
		return tty
	}
	return errors.Join(look, syscall.Statfs("/dev/null", &st), syscall.Sysinfo(&info), syscall.Getrusage(0, &usage),
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit), syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit),
		syscall.Uname(&name), groups)
}
