// Package namespace makes the sandbox's own view of the machine: its mounts and its network. All
// of it ends with the last process in it.
package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

// scratch is on the private tmpfs and holds what must not reach the machine's file system.
const scratch = "/run/lockkeeper"

// wantedTunables are the kernel settings that the kubelet would otherwise write. They belong to the
// whole machine, so the kubelet is shown files with the values that it wants to see.
var wantedTunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// Mount prepares the mount namespace of the calling process.
func Mount(state layout.State) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("the mounts cannot be made private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc cannot be mounted: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("a private /run cannot be mounted: %w", err)
	}
	if err := coverVar(state); err != nil {
		return err
	}
	return coverTunables()
}

// coverVar lays a layer in memory over /var: CNI and the kubelet keep files in places there that no
// option moves. The state folder stays what it is, also below /var.
func coverVar(state layout.State) error {
	upper, work := filepath.Join(scratch, "var"), filepath.Join(scratch, "var-work")
	for _, folder := range []string{upper, work} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	kept := ""
	if strings.HasPrefix(state.Dir+"/", "/var/") {
		kept = filepath.Join(scratch, "state")
		if err := bindFolder(state.Dir, kept); err != nil {
			return err
		}
	}
	options := "lowerdir=/var,upperdir=" + upper + ",workdir=" + work
	if err := unix.Mount("overlay", "/var", "overlay", 0, options); err != nil {
		return fmt.Errorf("a private layer over /var cannot be mounted: %w", err)
	}
	if kept != "" {
		return bindFolder(kept, state.Dir)
	}
	return nil
}

func bindFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s cannot be bound to %s: %w", from, to, err)
	}
	return nil
}

func coverTunables() error {
	for name, value := range wantedTunables {
		target := filepath.Join("/proc/sys", name)
		if _, err := os.Stat(target); os.IsNotExist(err) {
			continue
		}
		shown := filepath.Join(scratch, "sys", strings.ReplaceAll(name, "/", "."))
		if err := os.MkdirAll(filepath.Dir(shown), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(shown, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(shown, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s cannot be covered: %w", target, err)
		}
	}
	return nil
}
