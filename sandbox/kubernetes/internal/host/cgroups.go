package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// controllers are what the kubelet expects in its root cgroup under cgroup v2.
var controllers = []string{"cpu", "cpuset", "memory", "pids", "io"}

// makeCgroups makes the sandbox's own folder in each hierarchy. The kubelet wants it to exist, and
// puts everything below it.
func makeCgroups(name string) error {
	hierarchies, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		err := os.Mkdir(filepath.Join(hierarchy, name), 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("the sandbox's cgroup cannot be made: %w", err)
		}
	}
	return nil
}

func hierarchies() ([]string, error) {
	var kind unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &kind); err != nil {
		return nil, fmt.Errorf("there are no cgroups at %s: %w", cgroupRoot, err)
	}
	if kind.Type == unix.CGROUP2_SUPER_MAGIC {
		for _, controller := range controllers {
			// Most machines have enabled them; if one is missing, the kubelet says what it lacks.
			_ = os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		}
		return []string{cgroupRoot}, nil
	}
	entries, err := os.ReadDir(cgroupRoot)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		// Links are second names, such as `cpu` for `cpu,cpuacct`.
		if entry.IsDir() {
			found = append(found, filepath.Join(cgroupRoot, entry.Name()))
		}
	}
	return found, nil
}
