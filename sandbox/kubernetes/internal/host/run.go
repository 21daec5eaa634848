// Package host is the part of the sandbox that lives on the machine itself: it prepares the state
// folder, opens the API server's port on loopback and holds the namespaces. When it ends, in
// whatever way, the kernel ends all that is in them.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"lockkeeper.dev/sandbox/kubernetes/internal/config"
	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/pki"
	"lockkeeper.dev/sandbox/kubernetes/internal/progress"
)

// Options say what to run and where.
type Options struct {
	State layout.State
	// Kube is the program that holds the Kubernetes parts.
	Kube string
	// Cgroup is the sandbox's folder in each cgroup hierarchy, `/NAME`.
	Cgroup string
	// CNIPlugins is the folder of the CNI programs.
	CNIPlugins string
}

// Descriptors that the first process in the namespaces inherits.
const (
	ListenerFD = 3
	LockFD     = 4
)

// Run starts the sandbox and returns when it has ended, with the reason.
func Run(options Options) error {
	// The namespaces end with the thread that made them; it must be one that never ends before us.
	runtime.LockOSThread()
	lock, err := takeLock(options.State.Lock())
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := prepare(options); err != nil {
		return report(options.State, err)
	}
	listener, err := listen(options.State)
	if err != nil {
		return report(options.State, err)
	}
	if err := pki.Write(options.State, "https://"+listener.Addr().String()); err != nil {
		return report(options.State, err)
	}
	if err := enter(options, listener, lock); err != nil {
		return report(options.State, err)
	}
	return nil
}

// report makes a failure outside the namespaces as visible as one inside, which has said why already.
func report(state layout.State, err error) error {
	if said, unreadable := progress.Read(state.Progress()); unreadable == nil && said.Error != "" {
		return err
	}
	return errors.Join(err, progress.Write(state.Progress(), progress.Report{Phase: "ended", Error: err.Error()}))
}

// prepare empties what the former run left and writes every configuration file.
func prepare(options Options) error {
	for _, path := range options.State.Transient() {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("what a former run left cannot be removed: %w", err)
		}
	}
	if err := progress.Write(options.State.Progress(), progress.Report{Phase: "preparing"}); err != nil {
		return err
	}
	for _, folder := range []string{options.State.Kubelet(), options.State.PodLogs(), options.State.Data()} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	// Pods run under users of their own and write here; the process's umask would take that right away.
	if err := os.Chmod(options.State.Data(), 0o777); err != nil {
		return err
	}
	if err := makeCgroups(options.Cgroup); err != nil {
		return err
	}
	return config.Write(options.State, options.Cgroup, options.CNIPlugins)
}

// listen opens the API server's port on the machine: the one of the last run if it is free, so that
// a kubeconfig someone copied keeps its address.
func listen(state layout.State) (*net.TCPListener, error) {
	last, err := os.ReadFile(state.Port())
	if err != nil {
		last = []byte("0")
	}
	var network net.ListenConfig
	listener, err := network.Listen(context.Background(), "tcp", "127.0.0.1:"+strings.TrimSpace(string(last)))
	if err != nil {
		listener, err = network.Listen(context.Background(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("no port on 127.0.0.1 can be opened: %w", err)
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("%s is not TCP", listener.Addr())
	}
	_, port, err := net.SplitHostPort(tcp.Addr().String())
	if err != nil {
		return nil, err
	}
	return tcp, os.WriteFile(state.Port(), []byte(port+"\n"), 0o644)
}

// enter runs the first process of new namespaces until it ends.
func enter(options Options, listener *net.TCPListener, lock *os.File) error {
	socket, err := listener.File()
	if err != nil {
		return err
	}
	own, err := os.Executable()
	if err != nil {
		return err
	}
	first := exec.Command(own, "init", "--state", options.State.Dir, "--kube", options.Kube)
	// A socket stays in the network namespace it was opened in, so the process inside accepts what
	// arrives at the machine's loopback. The lock is held for as long as that process lives.
	first.ExtraFiles = []*os.File{socket, lock}
	first.Stdout, first.Stderr = os.Stdout, os.Stderr
	first.Dir = options.State.Dir
	first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := first.Start(); err != nil {
		return fmt.Errorf("new namespaces cannot be made: %w", err)
	}
	// The process inside has its own copies; ours would keep the port open after its end.
	if err := errors.Join(listener.Close(), socket.Close()); err != nil {
		return err
	}
	return first.Wait()
}
