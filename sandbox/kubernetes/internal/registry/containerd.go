package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

const (
	configType = "application/vnd.oci.image.config.v1+json"
	layerType  = "application/vnd.oci.image.layer.v1.tar"
	// importedRegistry begins the names of the images that the sandbox imports.
	importedRegistry = "sandbox.invalid"
)

// imported are the images in containerd's own store.
type imported struct {
	// blobs is the folder of containerd's content, by the digest's hex digits.
	blobs string
	// configOf is the digest of an image's configuration, or "".
	configOf func(ctx context.Context, image string) (string, error)
}

// descriptor names content as the OCI image specification does.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// Serve answers on the registry's address with the images of the sandbox's containerd. It returns only with an error.
func Serve(state layout.State) error {
	connection, err := grpc.NewClient("unix://"+state.ContainerdSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	cri := runtime.NewImageServiceClient(connection)
	images := imported{
		blobs: filepath.Join(state.Containerd(), "io.containerd.content.v1.content", "blobs", "sha256"),
		configOf: func(ctx context.Context, image string) (string, error) {
			status, err := cri.ImageStatus(ctx, &runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: image}})
			return status.GetImage().GetId(), err
		},
	}
	server := http.Server{Addr: layout.Registry, Handler: New(images), ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// Manifest is made from the image's configuration: the archives that the sandbox imports hold plain layers, so a
// layer's digest is the one that the configuration names.
func (i imported) Manifest(ctx context.Context, name, tag string) ([]byte, error) {
	config, err := i.configOf(ctx, fmt.Sprintf("%s/%s:%s", importedRegistry, name, tag))
	if err != nil {
		return nil, fmt.Errorf("containerd does not say whether it has %s:%s: %w", name, tag, err)
	}
	if config == "" {
		return nil, ErrUnknown
	}
	text, err := os.ReadFile(i.blob(config))
	if err != nil {
		return nil, err
	}
	var image struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(text, &image); err != nil {
		return nil, fmt.Errorf("the configuration %s of %s:%s: %w", config, name, tag, err)
	}
	made := manifest{SchemaVersion: 2, MediaType: manifestType}
	if made.Config, err = i.describe(configType, config); err != nil {
		return nil, err
	}
	for _, digest := range image.RootFS.DiffIDs {
		layer, err := i.describe(layerType, digest)
		if err != nil {
			return nil, err
		}
		made.Layers = append(made.Layers, layer)
	}
	return json.Marshal(made)
}

func (i imported) describe(mediaType, digest string) (descriptor, error) {
	file, err := os.Stat(i.blob(digest))
	if err != nil {
		return descriptor{}, err
	}
	return descriptor{MediaType: mediaType, Digest: digest, Size: file.Size()}, nil
}

// blob is the file with this content. A digest comes from a client too, and is only the name of a file.
func (i imported) blob(digest string) string {
	return filepath.Join(i.blobs, filepath.Base(strings.TrimPrefix(digest, digestPrefix)))
}

func (i imported) ServeBlob(response http.ResponseWriter, request *http.Request, digest string) {
	response.Header().Set("Content-Type", "application/octet-stream")
	response.Header().Set("Docker-Content-Digest", digest)
	http.ServeFile(response, request, i.blob(digest))
}
