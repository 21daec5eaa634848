// Package bootstrap talks to the sandbox's own API server while it starts: it waits for it, creates
// what a cluster needs beyond its parts, and finds out when pods can run.
package bootstrap

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/pki"
)

// callTimeout bounds each single call.
const callTimeout = 5 * time.Second

// Client calls the API server as administrator.
type Client struct {
	http http.Client
}

// NewClient reads the administrator's certificate from the state folder.
func NewClient(state layout.State) (*Client, error) {
	certificate, err := tls.LoadX509KeyPair(state.PKI(pki.AdminCertificate), state.PKI(pki.AdminKey))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(state.PKI(pki.CACertificate))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New("the sandbox's certificate authority cannot be read")
	}
	return &Client{http: http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, RootCAs: roots,
		}},
	}}, nil
}

// get reads path into answer, or only checks that it is served if answer is nil.
func (c *Client) get(ctx context.Context, path string, answer any) error {
	return c.call(ctx, http.MethodGet, path, nil, answer)
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, "https://"+layout.APIServer+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(text))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
