// Command node starts and holds one sandbox: a machine of its own in namespaces, with every part of
// Kubernetes on it.
//
// `run` is started on the machine. It starts `init` in new namespaces, and that starts `supervise`,
// which starts the parts. Whichever of them ends, all end. One of the parts is `registry`. `pause-image`
// makes the image that every pod's sandbox container runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lockkeeper.dev/sandbox/kubernetes/internal/host"
	"lockkeeper.dev/sandbox/kubernetes/internal/inside"
	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/pauseimage"
	"lockkeeper.dev/sandbox/kubernetes/internal/registry"
	"lockkeeper.dev/sandbox/kubernetes/internal/supervise"
)

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const usage = `usage: node run --state DIR --kube PROGRAM --cgroup NAME [--cni-plugins DIR]
       node pause-image PROGRAM ARCHIVE`

func dispatch(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New(usage)
	}
	if arguments[0] == "pause-image" {
		if len(arguments) != 3 {
			return errors.New(usage)
		}
		return pauseimage.Write(arguments[1], arguments[2])
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	state := flags.String("state", "", "the sandbox's own folder")
	kube := flags.String("kube", "", "the program that holds the Kubernetes parts")
	cgroup := flags.String("cgroup", "", "the name of the sandbox's cgroup")
	plugins := flags.String("cni-plugins", "/usr/lib/cni", "the folder of the CNI programs")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if !filepath.IsAbs(*state) || !filepath.IsAbs(*kube) {
		return errors.New("--state and --kube must be absolute paths")
	}
	where := layout.State{Dir: *state}
	switch arguments[0] {
	case "run":
		if *cgroup == "" {
			return errors.New("--cgroup is missing")
		}
		go endWithInput()
		return run(host.Options{State: where, Kube: *kube, Cgroup: "/" + *cgroup, CNIPlugins: *plugins})
	case "init":
		return inside.Run(*kube, where, host.ListenerFD, host.LockFD)
	case "supervise":
		return supervise.Run(context.Background(), *kube, where)
	case "registry":
		return registry.Serve(where)
	default:
		return fmt.Errorf("%q is none of run, init, supervise, registry", arguments[0])
	}
}

// endWithInput ends this process, and so the sandbox, when standard input ends: it does with the process
// that holds its other end, however that ends. A byte in it says that the sandbox is to stay.
func endWithInput() {
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		fmt.Fprintln(os.Stderr, "the process that started the sandbox has ended")
		os.Exit(1)
	}
}

// run leaves the session of the shell that started it: closing that must not end the sandbox.
func run(options host.Options) error {
	if _, err := unix.Setsid(); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	}
	return host.Run(options)
}
