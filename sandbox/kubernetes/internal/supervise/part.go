// Package supervise starts the sandbox's parts in order and ends all of them when one ends.
package supervise

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

// tailLines is how much of a log tells why a part ended.
const tailLines = 15

// part is one program of the sandbox.
type part struct {
	name      string
	program   string
	arguments []string
}

// ended says how a part ended; none of them should.
type ended struct {
	part part
	err  error
}

// starter starts parts and reports each one's end.
type starter struct {
	state layout.State
	ends  chan ended
}

// start runs a part with its output in its log.
func (s *starter) start(p part) error {
	path := s.state.Log(p.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(p.program, p.arguments...)
	command.Stdout, command.Stderr = log, log
	command.Dir = s.state.Dir
	command.Env = environment()
	if err := command.Start(); err != nil {
		return fmt.Errorf("%s cannot be started: %w", p.name, err)
	}
	go func() { s.ends <- ended{part: p, err: command.Wait()} }()
	return nil
}

// environment is the same on every machine: what a user has set, such as a proxy or a
// KUBECONFIG, has no place in the sandbox.
func environment() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/run/lockkeeper", "LANG=C.UTF-8",
	}
}

// explain says which part ended and what it said last.
func (s *starter) explain(end ended) error {
	how := "ended"
	if end.err != nil {
		how = "ended: " + end.err.Error()
	}
	path := s.state.Log(end.part.name)
	return fmt.Errorf("%s %s. The end of %s:\n%s", end.part.name, how, path, tail(path))
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "(cannot be read: " + err.Error() + ")"
	}
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, "\n")
}
