package pki

import (
	"encoding/base64"
	"encoding/json"
	"os"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

// Files that Write makes in the state folder's pki folder.
const (
	CACertificate        = "ca.crt"
	CAKey                = "ca.key"
	APIServerCertificate = "apiserver.crt"
	APIServerKey         = "apiserver.key"
	KubeletCertificate   = "kubelet.crt"
	KubeletKey           = "kubelet.key"
	AdminCertificate     = "admin.crt"
	AdminKey             = "admin.key"
	ServiceAccountKey    = "service-account.key"
)

const masters = "system:masters"

// servers are the parts that are called over TLS.
var servers = []struct {
	whom             subject
	certificate, key string
}{
	{subject{user: "kube-apiserver", hosts: []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc." + layout.DNSDomain, "localhost",
		"127.0.0.1", layout.NodeIP, layout.APIServiceIP,
	}}, APIServerCertificate, APIServerKey},
	{subject{user: "kubelet", hosts: []string{layout.NodeName, layout.NodeIP}}, KubeletCertificate, KubeletKey},
	// Also what the API server shows to the kubelet for logs and exec.
	{subject{user: "admin", groups: []string{masters}}, AdminCertificate, AdminKey},
}

// clients are the parts that call the API server, each under the user name that Kubernetes' own
// roles are bound to.
var clients = map[string]subject{
	"controller-manager": {user: "system:kube-controller-manager"},
	"scheduler":          {user: "system:kube-scheduler"},
	"proxy":              {user: "system:kube-proxy"},
	"kubelet":            {user: "system:node:" + layout.NodeName, groups: []string{"system:nodes"}},
	// Kubernetes' own role for DNS knows no EndpointSlices.
	"coredns": {user: "coredns", groups: []string{masters}},
}

// Kubeconfig is the file name of a part's kubeconfig.
func Kubeconfig(part string) string { return part + ".kubeconfig" }

// Write makes all certificates, keys and kubeconfigs of one start. hostServer is the API server's
// address on the machine, `https://127.0.0.1:PORT`.
func Write(state layout.State, hostServer string) error {
	if err := os.MkdirAll(state.PKI(""), 0o700); err != nil {
		return err
	}
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	own, err := ca.pair()
	if err != nil {
		return err
	}
	if err := own.write(state.PKI(CACertificate), state.PKI(CAKey)); err != nil {
		return err
	}
	for _, server := range servers {
		issued, err := ca.issue(server.whom)
		if err != nil {
			return err
		}
		if err := issued.write(state.PKI(server.certificate), state.PKI(server.key)); err != nil {
			return err
		}
	}
	for part, whom := range clients {
		if err := ca.kubeconfig(whom, "https://"+layout.APIServer, state.PKI(Kubeconfig(part))); err != nil {
			return err
		}
	}
	tokens, err := newAuthority()
	if err != nil {
		return err
	}
	signer, err := tokens.pair()
	if err != nil {
		return err
	}
	if err := os.WriteFile(state.PKI(ServiceAccountKey), signer.key, 0o600); err != nil {
		return err
	}
	return ca.kubeconfig(subject{user: "admin", groups: []string{masters}}, hostServer, state.Kubeconfig())
}

// kubeconfig writes a kubeconfig (JSON, which is YAML) that holds everything it needs.
func (a *authority) kubeconfig(whom subject, server, path string) error {
	issued, err := a.issue(whom)
	if err != nil {
		return err
	}
	own, err := a.pair()
	if err != nil {
		return err
	}
	type object = map[string]any
	const name = "lockkeeper-sandbox"
	text, err := json.MarshalIndent(object{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []object{{"name": name, "cluster": object{
			"server":                     server,
			"certificate-authority-data": base64.StdEncoding.EncodeToString(own.certificate),
		}}},
		"users": []object{{"name": name, "user": object{
			"client-certificate-data": base64.StdEncoding.EncodeToString(issued.certificate),
			"client-key-data":         base64.StdEncoding.EncodeToString(issued.key),
		}}},
		"contexts": []object{{"name": name, "context": object{"cluster": name, "user": name}}},
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
