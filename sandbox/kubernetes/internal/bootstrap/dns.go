package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

type object = map[string]any

// CreateDNSService puts the cluster's DNS address in front of the CoreDNS that runs on the node:
// a service without selector, whose one endpoint is the node.
func (c *Client) CreateDNSService(ctx context.Context) error {
	service := object{
		"apiVersion": "v1", "kind": "Service",
		"metadata": object{"name": "kube-dns", "namespace": "kube-system"},
		"spec": object{
			"clusterIP": layout.DNSServiceIP,
			"ports": []object{
				{"name": "dns", "port": 53, "protocol": "UDP"},
				{"name": "dns-tcp", "port": 53, "protocol": "TCP"},
			},
		},
	}
	endpoints := object{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
		"metadata": object{
			"name": "kube-dns-node", "namespace": "kube-system",
			"labels": object{"kubernetes.io/service-name": "kube-dns"},
		},
		"addressType": "IPv4",
		"endpoints":   []object{{"addresses": []string{layout.NodeIP}}},
		"ports": []object{
			{"name": "dns", "port": 53, "protocol": "UDP"},
			{"name": "dns-tcp", "port": 53, "protocol": "TCP"},
		},
	}
	if err := c.create(ctx, "/api/v1/namespaces/kube-system/services", service); err != nil {
		return err
	}
	return c.create(ctx, "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", endpoints)
}

func (c *Client) create(ctx context.Context, path string, what object) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, body, nil)
}

// NamesResolve asks for the API server's name at the cluster's DNS address, as a pod would: the
// answer comes only if kube-proxy's rules and CoreDNS both work.
func NamesResolve(ctx context.Context) error {
	resolver := net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, layout.DNSServiceIP+":53")
		},
	}
	name := "kubernetes.default.svc." + layout.DNSDomain + "."
	addresses, err := resolver.LookupHost(ctx, name)
	if err != nil {
		return err
	}
	if len(addresses) != 1 || addresses[0] != layout.APIServiceIP {
		return fmt.Errorf("%s resolves to %v instead of %s", name, addresses, layout.APIServiceIP)
	}
	return nil
}
