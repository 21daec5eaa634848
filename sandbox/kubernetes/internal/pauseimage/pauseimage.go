// Package pauseimage packs the pause program as a container image: no registry is there to give one.
package pauseimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

type object = map[string]any

// Write makes a docker-archive at path whose one image runs program, a static executable.
func Write(program, path string) error {
	executable, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("the pause program cannot be read: %w", err)
	}
	layer, err := archive([]entry{{"pause", 0o755, executable}})
	if err != nil {
		return err
	}
	image, err := json.Marshal(object{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       object{"Entrypoint": []string{"/pause"}, "User": "65535:65535"},
		"rootfs":       object{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return err
	}
	config := digest(image) + ".json"
	manifest, err := json.Marshal([]object{{
		"Config": config, "RepoTags": []string{layout.PauseImage}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return err
	}
	whole, err := archive([]entry{
		{"layer.tar", 0o644, layer}, {config, 0o644, image}, {"manifest.json", 0o644, manifest},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, whole, 0o644)
}

// entry is one file of a tar archive.
type entry struct {
	name    string
	mode    int64
	content []byte
}

func archive(entries []entry) ([]byte, error) {
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	for _, file := range entries {
		header := tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.content))}
		if err := writer.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(file.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return text.Bytes(), err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
