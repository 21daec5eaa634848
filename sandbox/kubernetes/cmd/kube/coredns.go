package main

import (
	"fmt"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	// The plugins that a Corefile of the sandbox may name. The full CoreDNS links some fifty.
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

// runCoreDNS serves the Corefile that its one argument names. It does without coremain, whose
// flags would join those of the other parts.
func runCoreDNS() {
	if len(os.Args) != 2 {
		fail("usage: coredns COREFILE")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail("the Corefile cannot be read: %v", err)
	}
	caddy.AppName, caddy.Quiet, dnsserver.Quiet = "CoreDNS", true, true
	instance, err := caddy.Start(caddy.CaddyfileInput{
		Filepath:       os.Args[1],
		Contents:       text,
		ServerTypeName: "dns",
	})
	if err != nil {
		fail("CoreDNS does not start: %v", err)
	}
	instance.Wait()
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
