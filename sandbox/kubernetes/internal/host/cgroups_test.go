package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyAFolderWithTheCPUControllerGetsAWeight(t *testing.T) {
	for file, wanted := range map[string]string{"cpu.shares": "8192", "cpu.weight": "800", "memory.max": "max"} {
		folder := t.TempDir()
		path := filepath.Join(folder, file)
		before := "100"
		if file == "memory.max" {
			before = "max"
		}
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := weigh(folder); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(content) != wanted {
			t.Errorf("%s holds %q, not %q", file, content, wanted)
		}
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
			t.Errorf("%s: %v beside it (%v)", file, entries, err)
		}
	}
}
