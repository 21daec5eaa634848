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

// weights are how much of the CPU the sandbox gets where it is contended, by the file that says so under
// either version of cgroups. All pods together weigh as much as this one folder: with the kernel's default,
// 1024 or 100, no more than one session of whoever else works on the machine.
var weights = map[string]string{"cpu.shares": "8192", "cpu.weight": "800"}

// makeCgroups makes the sandbox's own folder in each hierarchy. The kubelet wants it to exist, and
// puts everything below it.
func makeCgroups(name string) error {
	hierarchies, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		folder := filepath.Join(hierarchy, name)
		err := os.Mkdir(folder, 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("the sandbox's cgroup cannot be made: %w", err)
		}
		if err := weigh(folder); err != nil {
			return fmt.Errorf("the sandbox's cgroup cannot be given its share of the CPU: %w", err)
		}
	}
	return nil
}

// weigh writes the weight if the folder has a file for it: a hierarchy without the CPU has none.
func weigh(folder string) error {
	for name, weight := range weights {
		file, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_TRUNC, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = file.WriteString(weight)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
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
