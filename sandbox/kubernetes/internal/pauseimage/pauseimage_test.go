package pauseimage

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestTheImageNamesItsLayerByDigest(t *testing.T) {
	folder := t.TempDir()
	program, path := filepath.Join(folder, "program"), filepath.Join(folder, "image.tar")
	if err := os.WriteFile(program, []byte("an executable"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(program, path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, whole)
	var manifest []struct{ Config string }
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	var image struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(files[manifest[0].Config], &image); err != nil {
		t.Fatal(err)
	}
	if image.RootFS.DiffIDs[0] != "sha256:"+digest(files["layer.tar"]) {
		t.Errorf("the image names %s", image.RootFS.DiffIDs[0])
	}
	if content := unpack(t, files["layer.tar"])["pause"]; string(content) != "an executable" {
		t.Errorf("the layer holds %q", content)
	}
}

func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
