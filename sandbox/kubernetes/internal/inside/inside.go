// Package inside is the first process of the sandbox's namespaces: it makes them fit for the parts,
// lets the machine reach the API server, and reaps what the parts leave behind.
package inside

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/namespace"
)

// Run prepares the namespaces, starts the supervisor and returns when that has ended. inherited are
// the descriptors that came from outside, first the machine's socket for the API server.
func Run(kube string, state layout.State, inherited ...int) error {
	for _, descriptor := range inherited {
		unix.CloseOnExec(descriptor)
	}
	if err := namespace.Mount(state); err != nil {
		return err
	}
	if err := namespace.Network(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(layout.NodeName)); err != nil {
		return fmt.Errorf("the node's name cannot be set: %w", err)
	}
	socket, err := net.FileListener(os.NewFile(uintptr(inherited[0]), "listener"))
	if err != nil {
		return fmt.Errorf("the machine's socket for the API server is not usable: %w", err)
	}
	go forward(socket)
	own, err := os.Executable()
	if err != nil {
		return err
	}
	arguments := []string{own, "supervise", "--state", state.Dir, "--kube", kube}
	supervisor, err := syscall.ForkExec(own, arguments, &syscall.ProcAttr{
		Dir: state.Dir, Env: os.Environ(), Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		return fmt.Errorf("the supervisor cannot be started: %w", err)
	}
	return reapUntil(supervisor)
}

// reapUntil reaps every process that ends, ours and orphans, until the given one has.
func reapUntil(wanted int) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if pid == wanted {
			return fmt.Errorf("the supervisor ended with status %d", status.ExitStatus())
		}
	}
}

// forward carries connections from the machine to the API server.
func forward(from net.Listener) {
	for {
		outer, err := from.Accept()
		if err != nil {
			fmt.Fprintf(os.Stderr, "connections from the machine are no longer accepted: %v\n", err)
			return
		}
		go func() {
			defer outer.Close()
			inner, err := net.Dial("tcp", layout.APIServer)
			if err != nil {
				// The API server is not up yet: the caller sees a closed connection and tries again.
				return
			}
			defer inner.Close()
			done := make(chan struct{}, 2)
			go pipe(inner, outer, done)
			go pipe(outer, inner, done)
			<-done
			<-done
		}()
	}
}

// pipe copies one direction and passes its end on, so that the other direction can finish.
func pipe(to, from net.Conn, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}
