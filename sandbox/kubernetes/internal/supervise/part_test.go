package supervise

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

func TestAnEndedPartIsReportedWithTheEndOfItsLog(t *testing.T) {
	s := starter{state: layout.State{Dir: t.TempDir()}, ends: make(chan ended, 1)}
	script := part{name: "etcd", program: "sh", arguments: []string{"-c", "seq 1 100; echo disk full; exit 3"}}
	if err := s.start(script); err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) error { return errors.New("not yet") }
	err := s.await(t.Context(), "etcd to answer", never)
	if err == nil {
		t.Fatal("the end of the part was not reported")
	}
	for _, wanted := range []string{"etcd ended: exit status 3", "disk full", s.state.Log("etcd")} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q is missing in: %v", wanted, err)
		}
	}
	if strings.Contains(err.Error(), "\n50\n") {
		t.Errorf("more than the end of the log: %v", err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	s := starter{state: layout.State{Dir: t.TempDir()}, ends: make(chan ended, 1)}
	err := s.start(part{name: "containerd", program: "/no/such/program"})
	if err == nil || !strings.Contains(err.Error(), "containerd cannot be started") {
		t.Errorf("got %v", err)
	}
}
