package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"testing"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

func TestEveryServerIsTrustedUnderEachOfItsNames(t *testing.T) {
	state := writeAll(t)
	roots := x509.NewCertPool()
	authority, err := os.ReadFile(state.PKI(CACertificate))
	if err != nil {
		t.Fatal(err)
	}
	roots.AppendCertsFromPEM(authority)
	for _, server := range servers {
		pair, err := tls.LoadX509KeyPair(state.PKI(server.certificate), state.PKI(server.key))
		if err != nil {
			t.Fatalf("%s: %v", server.whom.user, err)
		}
		for _, host := range server.whom.hosts {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
				t.Errorf("%s is not trusted as %s: %v", server.whom.user, host, err)
			}
		}
	}
}

func TestTheKubeconfigIsForTheMachineAndHoldsItsKey(t *testing.T) {
	state := writeAll(t)
	text, err := os.ReadFile(state.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Clusters []struct{ Cluster struct{ Server string } }
		Users    []struct{ User map[string][]byte }
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if server := config.Clusters[0].Cluster.Server; server != "https://127.0.0.1:1234" {
		t.Errorf("the server is %s", server)
	}
	user := config.Users[0].User
	pair, err := tls.X509KeyPair(user["client-certificate-data"], user["client-key-data"])
	if err != nil {
		t.Fatal(err)
	}
	if groups := pair.Leaf.Subject.Organization; len(groups) != 1 || groups[0] != masters {
		t.Errorf("the user's groups are %v", groups)
	}
}

func writeAll(t *testing.T) layout.State {
	t.Helper()
	state := layout.State{Dir: t.TempDir()}
	if err := Write(state, "https://127.0.0.1:1234"); err != nil {
		t.Fatal(err)
	}
	return state
}
