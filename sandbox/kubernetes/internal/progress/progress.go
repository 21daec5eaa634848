// Package progress is how the sandbox tells whoever started it how far it is.
package progress

import (
	"encoding/json"
	"os"
)

// Report is the content of the progress file.
type Report struct {
	// Phase is what the sandbox waits for, in words.
	Phase string `json:"phase"`
	// Ready says that the node is Ready, and services and names resolve.
	Ready bool `json:"ready"`
	// Error says what ended the sandbox; empty while it runs.
	Error string `json:"error,omitempty"`
}

// Write replaces the progress file at path; a reader sees the old report or the new one.
func Write(path string, report Report) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// Read returns what was written last.
func Read(path string) (Report, error) {
	var report Report
	text, err := os.ReadFile(path)
	if err != nil {
		return report, err
	}
	return report, json.Unmarshal(text, &report)
}
