// Command kube is every server of the sandbox in one program: linked once, they share
// client-go and most of their code. It runs the part that its own name or its first argument says.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// parts maps the name of a part to its main function. Each reads its arguments from os.Args,
// as the programs of the same names do.
var parts = map[string]func(){
	"coredns":                 runCoreDNS,
	"etcd":                    runEtcd,
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-proxy":              runProxy,
	"kube-scheduler":          runScheduler,
	"kubelet":                 runKubelet,
}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := parts[name]
	if !known && len(os.Args) > 1 {
		name = os.Args[1]
		run, known = parts[name]
		os.Args = os.Args[1:]
	}
	if !known {
		fmt.Fprintf(os.Stderr, "kube: %q is no part of it; call it by the name of one of %s, or give that as the first argument\n",
			name, strings.Join(names(), ", "))
		os.Exit(2)
	}
	run()
}

func names() []string {
	all := make([]string, 0, len(parts))
	for name := range parts {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
