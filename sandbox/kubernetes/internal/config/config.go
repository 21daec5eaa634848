// Package config writes the configuration files of the sandbox's parts.
package config

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/pki"
)

//go:embed templates
var templates embed.FS

// Names of the files that Write makes in the state folder's config folder.
const (
	Containerd = "containerd.toml"
	Corefile   = "Corefile"
	Kubelet    = "kubelet.yaml"
	Proxy      = "kube-proxy.yaml"
	Resolv     = "resolv.conf"
	// network connects each pod by a pair of devices and routes. Over a bridge, answers between pods would
	// pass by kube-proxy's rules unless the machine has the module br_netfilter loaded.
	network = "cni/10-sandbox.conflist"
)

// values is what the templates see.
type values struct {
	layout.State
	CgroupRoot, CNIPlugins                                                string
	NodeName, NodeIP, PodCIDR, DNSServiceIP, DNSDomain, PauseImage        string
	CACertificate, KubeletCertificate, KubeletKey, ProxyConfig, DNSConfig string
}

// Write renders every file. cgroupRoot is the sandbox's own folder in the cgroup hierarchies,
// `/NAME`; cniPlugins the folder of the CNI programs.
func Write(state layout.State, cgroupRoot, cniPlugins string) error {
	filled := values{
		State: state, CgroupRoot: cgroupRoot, CNIPlugins: cniPlugins,
		NodeName: layout.NodeName, NodeIP: layout.NodeIP, PodCIDR: layout.PodCIDR,
		DNSServiceIP: layout.DNSServiceIP, DNSDomain: layout.DNSDomain, PauseImage: layout.PauseImage,
		CACertificate:      state.PKI(pki.CACertificate),
		KubeletCertificate: state.PKI(pki.KubeletCertificate), KubeletKey: state.PKI(pki.KubeletKey),
		ProxyConfig: state.PKI(pki.Kubeconfig("proxy")), DNSConfig: state.PKI(pki.Kubeconfig("coredns")),
	}
	if err := os.MkdirAll(state.CNI(), 0o755); err != nil {
		return err
	}
	for _, file := range []string{Containerd, Corefile, Kubelet, Proxy, Resolv, network} {
		parsed, err := template.ParseFS(templates, "templates/"+filepath.Base(file))
		if err != nil {
			return fmt.Errorf("the template of %s: %w", file, err)
		}
		var text bytes.Buffer
		if err := parsed.Execute(&text, filled); err != nil {
			return fmt.Errorf("the template of %s: %w", file, err)
		}
		if err := os.WriteFile(state.Config(file), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
