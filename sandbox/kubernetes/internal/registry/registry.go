// Package registry is the sandbox's own image registry, on loopback inside its network namespace. It has the
// images that were imported into containerd, and it fails as real registries do, so that pods can be seen
// to wait for a pull or to fail on it.
//
// The name of a repository says how the registry answers:
//
//	orders               the image, or 404 with MANIFEST_UNKNOWN if there is none with this tag
//	STATUS/.../orders    always this HTTP status, for example 401, 429 or 503
//	STATUS-TIME/.../orders  this status for a time that counts from the first request for the
//	                     tag, for example 429-15s, and after that the image
//
// A test that chooses other folders in between (`429-15s/my-test/orders`) has a time of its own.
package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

const (
	digestPrefix = "sha256:"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
)

// Images finds and opens the images that the registry serves.
type Images interface {
	// Manifest is the manifest of an image, or ErrUnknown.
	Manifest(ctx context.Context, name, tag string) ([]byte, error)
	// ServeBlob answers with the content that has this digest.
	ServeBlob(response http.ResponseWriter, request *http.Request, digest string)
}

// ErrUnknown says that there is no such image.
var ErrUnknown = errors.New("there is no such image")

// Registry answers the requests of a client that pulls.
type Registry struct {
	images Images
	now    func() time.Time
	mutex  sync.Mutex
	// firstRequests says when each tag with a limited fault was first asked for.
	firstRequests map[string]time.Time
	// manifests are those that were served, by digest: a client asks for the tag first, and then for the digest.
	manifests map[string][]byte
}

// New makes a registry with these images.
func New(images Images) *Registry {
	return &Registry{images: images, now: time.Now, firstRequests: map[string]time.Time{}, manifests: map[string][]byte{}}
}

func (r *Registry) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if request.URL.Path == "/token" {
		// Anonymous clients get a token too; what it allows is decided at the manifest.
		writeJSON(response, http.StatusOK, map[string]string{"token": "anonymous"})
		return
	}
	name, kind, reference, ok := split(request.URL.Path)
	switch {
	case request.URL.Path == "/v2/":
		writeJSON(response, http.StatusOK, map[string]string{})
	case !ok:
		writeError(response, http.StatusNotFound, "UNSUPPORTED", "this is no path of a pull")
	case kind == "blobs":
		r.images.ServeBlob(response, request, reference)
	default:
		if status := r.fault(name, reference); status != 0 {
			refuse(response, request, name, status)
			return
		}
		r.serveManifest(response, request, name, reference)
	}
}

// split takes /v2/NAME/manifests/REFERENCE or /v2/NAME/blobs/DIGEST apart.
func split(url string) (name, kind, reference string, ok bool) {
	folder, reference := path.Split(url)
	folder, kind = path.Split(strings.TrimSuffix(folder, "/"))
	name, ok = strings.CutPrefix(strings.TrimSuffix(folder, "/"), "/v2/")
	return name, kind, reference, ok && name != "" && (kind == "manifests" || kind == "blobs")
}

// fault is the HTTP status that a repository answers with now, or 0.
func (r *Registry) fault(name, reference string) int {
	first, _, nested := strings.Cut(name, "/")
	status, lasting, limited := strings.Cut(first, "-")
	code := 0
	if _, err := fmt.Sscanf(status, "%3d", &code); err != nil || !nested || code < 400 || code > 599 {
		return 0
	}
	if !limited {
		return code
	}
	duration, err := time.ParseDuration(lasting)
	// By digest comes only who was given the manifest before.
	if err != nil || isDigest(reference) {
		return 0
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	tag := name + ":" + reference
	since, known := r.firstRequests[tag]
	if !known {
		since = r.now()
		r.firstRequests[tag] = since
	}
	if r.now().Sub(since) < duration {
		return code
	}
	return 0
}

// refuse answers with a status as registries do.
func refuse(response http.ResponseWriter, request *http.Request, name string, status int) {
	switch {
	case status == http.StatusUnauthorized:
		challenge := fmt.Sprintf(`Bearer realm="http://%s/token",service="sandbox",scope="repository:%s:pull"`, request.Host, name)
		if request.Header.Get("Authorization") != "" {
			challenge += `,error="insufficient_scope"`
		}
		response.Header().Set("Www-Authenticate", challenge)
		writeError(response, status, "UNAUTHORIZED", "authentication required")
	case status == http.StatusTooManyRequests:
		writeError(response, status, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
	case status == http.StatusNotFound:
		writeError(response, status, "NAME_UNKNOWN", "repository name not known to registry")
	case status == http.StatusForbidden:
		writeError(response, status, "DENIED", "requested access to the resource is denied")
	default:
		http.Error(response, http.StatusText(status), status)
	}
}

func (r *Registry) serveManifest(response http.ResponseWriter, request *http.Request, name, reference string) {
	manifest, err := r.manifest(request.Context(), name, reference)
	switch {
	case errors.Is(err, ErrUnknown):
		writeError(response, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case err != nil:
		writeError(response, http.StatusInternalServerError, "UNKNOWN", err.Error())
	default:
		response.Header().Set("Content-Type", manifestType)
		response.Header().Set("Docker-Content-Digest", digestOf(manifest))
		http.ServeContent(response, request, "", time.Time{}, bytes.NewReader(manifest))
	}
}

func (r *Registry) manifest(ctx context.Context, name, reference string) ([]byte, error) {
	if isDigest(reference) {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if manifest, served := r.manifests[reference]; served {
			return manifest, nil
		}
		return nil, ErrUnknown
	}
	manifest, err := r.images.Manifest(ctx, path.Base(name), reference)
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.manifests[digestOf(manifest)] = manifest
	return manifest, nil
}

func isDigest(reference string) bool { return strings.HasPrefix(reference, digestPrefix) }

func digestOf(content []byte) string {
	return fmt.Sprintf("%s%x", digestPrefix, sha256.Sum256(content))
}

// writeError has the form of the OCI distribution specification.
func writeError(response http.ResponseWriter, status int, code, message string) {
	writeJSON(response, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}

func writeJSON(response http.ResponseWriter, status int, body any) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	// A client that went away needs no answer.
	_ = json.NewEncoder(response).Encode(body)
}
