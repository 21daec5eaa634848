package supervise

import (
	"context"
	"fmt"
	"os"
	"time"

	"lockkeeper.dev/sandbox/kubernetes/internal/bootstrap"
	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
	"lockkeeper.dev/sandbox/kubernetes/internal/progress"
)

const (
	// startDeadline bounds each step of the start.
	startDeadline = 3 * time.Minute
	pollInterval  = 100 * time.Millisecond
)

// Run starts every part and returns when one has ended, with the reason; it never returns nil. kube
// is the program that holds the Kubernetes parts. Progress goes to the state folder.
func Run(ctx context.Context, kube string, state layout.State) error {
	err := run(ctx, &starter{state: state, ends: make(chan ended, 16)}, kube)
	if reported := progress.Write(state.Progress(), progress.Report{Phase: "ended", Error: err.Error()}); reported != nil {
		return fmt.Errorf("%w (and this cannot be reported: %w)", err, reported)
	}
	return err
}

func run(ctx context.Context, s *starter, kube string) error {
	client, err := bootstrap.NewClient(s.state)
	if err != nil {
		return err
	}
	own, err := os.Executable()
	if err != nil {
		return err
	}
	leftovers := func(ctx context.Context) error { return removeLeftovers(ctx, s.state) }
	dns := func(ctx context.Context) error { return client.CreateDNSService(ctx) }
	steps := []struct {
		phase string
		parts []part
		until func(context.Context) error
	}{
		{"etcd to answer", []part{containerd(s.state), etcd(kube, s.state)}, etcdHealthy},
		{"the API server to answer", []part{apiServer(kube, s.state)}, client.Serving},
		{"containerd to answer", nil, leftovers},
		{"the registry to answer", []part{registry(own, kube, s.state)}, registryAnswers},
		{"the cluster's DNS address", []part{
			controllerManager(kube, s.state), scheduler(kube, s.state), kubelet(kube, s.state), proxy(kube, s.state),
		}, dns},
		{"names to resolve", []part{coreDNS(kube, s.state)}, bootstrap.NamesResolve},
		{"the node to be Ready", nil, client.NodeReady},
		{"pods to be admitted", nil, client.PodsAdmitted},
	}
	for _, step := range steps {
		if err := progress.Write(s.state.Progress(), progress.Report{Phase: "waiting for " + step.phase}); err != nil {
			return err
		}
		for _, part := range step.parts {
			if err := s.start(part); err != nil {
				return err
			}
		}
		if err := s.await(ctx, step.phase, step.until); err != nil {
			return err
		}
	}
	if err := progress.Write(s.state.Progress(), progress.Report{Phase: "running", Ready: true}); err != nil {
		return err
	}
	select {
	case end := <-s.ends:
		return s.explain(end)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// await polls a condition until it holds, a part ends or the deadline passes.
func (s *starter) await(ctx context.Context, phase string, holds func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	for {
		last := holds(ctx)
		if last == nil {
			return nil
		}
		select {
		case end := <-s.ends:
			return s.explain(end)
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", startDeadline, phase, last)
		case <-ticks.C:
		}
	}
}
