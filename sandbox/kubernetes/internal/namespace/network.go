package namespace

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

// Network prepares the network namespace of the calling process: loopback, an address of the node's
// own, and a route that makes services reachable from the node. There is no way out of it.
func Network() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("there is no loopback device: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("the loopback device does not come up: %w", err)
	}
	// A bridge without ports, since not every kernel has dummy devices and pods need bridges anyhow.
	node := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "node0"}}
	if err := netlink.LinkAdd(node); err != nil {
		return fmt.Errorf("a bridge device cannot be made: %w", err)
	}
	address, err := netlink.ParseAddr(layout.NodeCIDR)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(node, address); err != nil {
		return fmt.Errorf("the node's address cannot be set: %w", err)
	}
	if err := netlink.LinkSetUp(node); err != nil {
		return fmt.Errorf("the node's device does not come up: %w", err)
	}
	// Without a route, a connection from the node to a service fails before kube-proxy's rules see it.
	_, services, err := net.ParseCIDR(layout.ServiceCIDR)
	if err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: node.Attrs().Index, Dst: services, Src: net.ParseIP(layout.NodeIP)}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("the route to services cannot be added: %w", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1\n"), 0o644); err != nil {
		return fmt.Errorf("forwarding cannot be switched on: %w", err)
	}
	return nil
}
