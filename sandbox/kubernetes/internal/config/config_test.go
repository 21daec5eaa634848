package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

func TestEveryTemplateIsFilledInForThisSandbox(t *testing.T) {
	state := layout.State{Dir: t.TempDir()}
	if err := Write(state, "/lockkeeper-test", "/usr/lib/cni"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{Containerd, Corefile, Kubelet, Proxy, Resolv, network} {
		text, err := os.ReadFile(state.Config(file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "{{") || strings.Contains(string(text), "<no value>") {
			t.Errorf("%s is not filled in:\n%s", file, text)
		}
	}
	kubelet, err := os.ReadFile(state.Config(Kubelet))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{`cgroupRoot: "/lockkeeper-test"`, "unix://" + state.ContainerdSocket(), state.PodLogs()} {
		if !strings.Contains(string(kubelet), wanted) {
			t.Errorf("the kubelet's configuration lacks %s:\n%s", wanted, kubelet)
		}
	}
}

func TestTheNetworkConfigurationIsJSON(t *testing.T) {
	state := layout.State{Dir: t.TempDir()}
	if err := Write(state, "/lockkeeper-test", "/usr/lib/cni"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(state.Config(network))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) {
		t.Errorf("not JSON:\n%s", text)
	}
}
