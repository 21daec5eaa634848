package registry

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// start serves one image, orders:1.1.0, on a clock that the test moves.
func start(t *testing.T) (server *httptest.Server, clock *time.Time) {
	t.Helper()
	folder := t.TempDir()
	write := func(content string) string {
		digest := digestOf([]byte(content))
		if err := os.WriteFile(filepath.Join(folder, strings.TrimPrefix(digest, digestPrefix)), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	config := write(`{"rootfs":{"type":"layers","diff_ids":["` + write("a layer") + `"]}}`)
	registry := New(imported{blobs: folder, configOf: func(_ context.Context, image string) (string, error) {
		if image == "sandbox.invalid/orders:1.1.0" {
			return config, nil
		}
		return "", nil
	}})
	now := time.Unix(0, 0)
	registry.now = func() time.Time { return now }
	server = httptest.NewServer(registry)
	t.Cleanup(server.Close)
	return server, &now
}

// get returns status, headers and body of a GET.
func get(t *testing.T, url string) (status int, headers http.Header, body string) {
	t.Helper()
	response, err := http.Get(url) //nolint:noctx // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func TestAnImportedImageIsServedWithAllItsContent(t *testing.T) {
	server, _ := start(t)
	status, headers, body := get(t, server.URL+"/v2/any/folder/orders/manifests/1.1.0")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	digest := headers.Get("Docker-Content-Digest")
	if _, _, again := get(t, server.URL+"/v2/any/folder/orders/manifests/"+digest); again != body {
		t.Errorf("by digest: %s", again)
	}
	var served manifest
	if err := json.Unmarshal([]byte(body), &served); err != nil {
		t.Fatal(err)
	}
	for _, content := range append(served.Layers, served.Config) {
		_, _, blob := get(t, server.URL+"/v2/any/folder/orders/blobs/"+content.Digest)
		if digestOf([]byte(blob)) != content.Digest || int64(len(blob)) != content.Size {
			t.Errorf("%+v is served as %q", content, blob)
		}
	}
}

func TestAMissingTagIsAnUnknownManifest(t *testing.T) {
	server, _ := start(t)
	status, _, body := get(t, server.URL+"/v2/orders/manifests/1.4.0")
	if status != http.StatusNotFound || !strings.Contains(body, `"code":"MANIFEST_UNKNOWN"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestTheRepositoryNamesTheStatusOfItsAnswers(t *testing.T) {
	server, _ := start(t)
	for name, wanted := range map[string]string{
		"401/orders": "UNAUTHORIZED", "403/a/orders": "DENIED", "404/orders": "NAME_UNKNOWN",
		"429/orders": "TOOMANYREQUESTS", "503/orders": "Service Unavailable",
	} {
		status, headers, body := get(t, server.URL+"/v2/"+name+"/manifests/1.1.0")
		if !strings.HasPrefix(name, strconv.Itoa(status)+"/") {
			t.Errorf("%s is answered with %d", name, status)
		}
		if !strings.Contains(body, wanted) {
			t.Errorf("%s: no %s in %s", name, wanted, body)
		}
		if challenge := headers.Get("Www-Authenticate"); (challenge != "") != (status == http.StatusUnauthorized) {
			t.Errorf("%s: the challenge %q", name, challenge)
		}
	}
}

func TestALimitedFaultEndsForEachTagOfARepository(t *testing.T) {
	server, clock := start(t)
	ask := func(name string) int {
		status, _, _ := get(t, server.URL+"/v2/"+name+"/manifests/1.1.0")
		return status
	}
	if first := ask("429-15s/one/orders"); first != http.StatusTooManyRequests {
		t.Errorf("at once: %d", first)
	}
	*clock = clock.Add(14 * time.Second)
	if before := ask("429-15s/one/orders"); before != http.StatusTooManyRequests {
		t.Errorf("after 14 s: %d", before)
	}
	*clock = clock.Add(time.Second)
	if after := ask("429-15s/one/orders"); after != http.StatusOK {
		t.Errorf("after 15 s: %d", after)
	}
	if other := ask("429-15s/two/orders"); other != http.StatusTooManyRequests {
		t.Errorf("another repository: %d", other)
	}
}
