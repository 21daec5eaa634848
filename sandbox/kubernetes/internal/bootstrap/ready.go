package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

// Serving says whether the API server answers requests.
func (c *Client) Serving(ctx context.Context) error {
	return c.get(ctx, "/readyz", nil)
}

// NodeReady says whether the node is Ready and takes pods.
func (c *Client) NodeReady(ctx context.Context) error {
	var node struct {
		Spec struct {
			Taints []struct{ Key string }
		}
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := c.get(ctx, "/api/v1/nodes/"+layout.NodeName, &node); err != nil {
		return err
	}
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("the node is tainted: %s", node.Spec.Taints[0].Key)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type != "Ready" {
			continue
		}
		if condition.Status != "True" {
			return errors.New(condition.Message)
		}
		return nil
	}
	return errors.New("the kubelet has not reported the node's conditions yet")
}

// PodsAdmitted says whether pods can be created in the default namespace: they need its service
// account and the certificate that is mounted into them.
func (c *Client) PodsAdmitted(ctx context.Context) error {
	if err := c.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil); err != nil {
		return err
	}
	return c.get(ctx, "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", nil)
}
