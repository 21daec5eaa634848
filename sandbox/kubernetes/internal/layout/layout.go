// Package layout says where everything of one sandbox is: its folders and files on disk, and the
// addresses inside its network namespace. No address here is visible from the machine itself, so
// two sandboxes beside each other use the same ones.
package layout

import "path/filepath"

// Addresses inside the sandbox's network namespace.
const (
	NodeName    = "lockkeeper"
	NodeIP      = "10.201.0.1"
	NodeCIDR    = NodeIP + "/24"
	PodCIDR     = "10.202.0.0/16"
	ServiceCIDR = "10.203.0.0/16"
	// APIServiceIP is the first address of ServiceCIDR, which Kubernetes gives to `kubernetes.default`.
	APIServiceIP = "10.203.0.1"
	DNSServiceIP = "10.203.0.10"
	DNSDomain    = "cluster.local"
	APIServer    = "127.0.0.1:6443"
	EtcdURL      = "http://127.0.0.1:2379"
	EtcdPeerURL  = "http://127.0.0.1:2380"
	// Registry is the sandbox's own. Clients use plain HTTP for registries on loopback.
	Registry = "127.0.0.1:5000"
	// PauseImage runs in every pod's sandbox container. Names under .invalid are never looked up.
	PauseImage = "sandbox.invalid/pause:1"
)

// State is the folder of one sandbox.
type State struct {
	// Dir is absolute.
	Dir string
}

func (s State) join(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// Lock is held by the sandbox for as long as one of its processes lives, and says whose it is.
func (s State) Lock() string { return s.join("run.lock") }

// Progress says how far the start has come.
func (s State) Progress() string { return s.join("progress.json") }

// Kubeconfig is the administrator's, for use on the machine.
func (s State) Kubeconfig() string { return s.join("kubeconfig") }

// Port keeps the API server's port on the machine from one start to the next.
func (s State) Port() string { return s.join("port") }

// ContainerdSocket is where containerd listens, for the kubelet and for importing images.
func (s State) ContainerdSocket() string { return s.join("containerd.sock") }

// Containerd is containerd's root: images live here and outlast the sandbox.
func (s State) Containerd() string { return s.join("containerd") }

// Data is the folder that pods may mount parts of.
func (s State) Data() string { return s.join("data") }

// Etcd is etcd's data folder.
func (s State) Etcd() string { return s.join("etcd") }

// Kubelet is the kubelet's root.
func (s State) Kubelet() string { return s.join("kubelet") }

// PodLogs is where the containers' logs are.
func (s State) PodLogs() string { return s.join("pod-logs") }

// PKI holds certificates, keys and the parts' kubeconfigs.
func (s State) PKI(file string) string { return s.join("pki", file) }

// Config holds the parts' configuration files.
func (s State) Config(file string) string { return s.join("config", file) }

// CNI holds the one network configuration.
func (s State) CNI() string { return s.join("config", "cni") }

// Log is the log of one part.
func (s State) Log(part string) string { return s.join("log", part+".log") }

// Transient lists what belongs to one run of the sandbox and is emptied before the next.
func (s State) Transient() []string {
	return []string{
		s.Etcd(), s.Kubelet(), s.PodLogs(), s.Data(), s.join("pki"), s.join("config"), s.join("log"),
		s.Progress(), s.Kubeconfig(), s.ContainerdSocket(), s.ContainerdSocket() + ".ttrpc",
	}
}
