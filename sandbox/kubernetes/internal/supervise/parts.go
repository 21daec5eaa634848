package supervise

import (
	"lockkeeper.dev/sandbox/kubernetes/internal/config"
	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/pki"
)

const issuer = "https://kubernetes.default.svc." + layout.DNSDomain

func kubePart(kube, name string, arguments ...string) part {
	return part{name: name, program: kube, arguments: append([]string{name}, arguments...)}
}

func etcd(kube string, state layout.State) part {
	return kubePart(kube, "etcd",
		"--name=sandbox",
		"--data-dir="+state.Etcd(),
		"--listen-client-urls="+layout.EtcdURL, "--advertise-client-urls="+layout.EtcdURL,
		"--listen-peer-urls="+layout.EtcdPeerURL, "--initial-advertise-peer-urls="+layout.EtcdPeerURL,
		"--initial-cluster=sandbox="+layout.EtcdPeerURL,
		"--log-level=warn",
		// Nothing here outlives the sandbox, so nothing needs to survive a power cut.
		"--unsafe-no-fsync",
	)
}

func containerd(state layout.State) part {
	return part{name: "containerd", program: "containerd", arguments: []string{
		"--config", state.Config(config.Containerd), "--log-level", "warn",
	}}
}

// registry is this program itself. It serves the images that containerd has.
func registry(own, kube string, state layout.State) part {
	return part{name: "registry", program: own, arguments: []string{"registry", "--state", state.Dir, "--kube", kube}}
}

func apiServer(kube string, state layout.State) part {
	return kubePart(kube, "kube-apiserver",
		"--etcd-servers="+layout.EtcdURL,
		"--bind-address=0.0.0.0", "--secure-port=6443", "--advertise-address="+layout.NodeIP,
		"--tls-cert-file="+state.PKI(pki.APIServerCertificate),
		"--tls-private-key-file="+state.PKI(pki.APIServerKey),
		"--client-ca-file="+state.PKI(pki.CACertificate),
		"--kubelet-certificate-authority="+state.PKI(pki.CACertificate),
		"--kubelet-client-certificate="+state.PKI(pki.AdminCertificate),
		"--kubelet-client-key="+state.PKI(pki.AdminKey),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer="+issuer,
		"--service-account-key-file="+state.PKI(pki.ServiceAccountKey),
		"--service-account-signing-key-file="+state.PKI(pki.ServiceAccountKey),
		"--service-cluster-ip-range="+layout.ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
	)
}

func controllerManager(kube string, state layout.State) part {
	kubeconfig := state.PKI(pki.Kubeconfig("controller-manager"))
	return kubePart(kube, "kube-controller-manager",
		"--kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+state.PKI(pki.ServiceAccountKey),
		"--root-ca-file="+state.PKI(pki.CACertificate),
		"--cluster-signing-cert-file="+state.PKI(pki.CACertificate),
		"--cluster-signing-key-file="+state.PKI(pki.CAKey),
	)
}

func scheduler(kube string, state layout.State) part {
	return kubePart(kube, "kube-scheduler",
		"--kubeconfig="+state.PKI(pki.Kubeconfig("scheduler")),
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
	)
}

func kubelet(kube string, state layout.State) part {
	return kubePart(kube, "kubelet",
		"--config="+state.Config(config.Kubelet),
		"--kubeconfig="+state.PKI(pki.Kubeconfig("kubelet")),
		"--root-dir="+state.Kubelet(),
		"--node-ip="+layout.NodeIP,
		"--hostname-override="+layout.NodeName,
	)
}

func proxy(kube string, state layout.State) part {
	return kubePart(kube, "kube-proxy", "--config="+state.Config(config.Proxy))
}

func coreDNS(kube string, state layout.State) part {
	return kubePart(kube, "coredns", state.Config(config.Corefile))
}
