package supervise

import (
	"context"
	"fmt"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"lockkeeper.dev/sandbox/kubernetes/internal/layout"
)

func etcdHealthy(ctx context.Context) error { return answers(ctx, layout.EtcdURL+"/health") }

func registryAnswers(ctx context.Context) error {
	return answers(ctx, "http://"+layout.Registry+"/v2/")
}

// answers says whether a GET is answered with 200.
func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// removeLeftovers deletes the pods of the sandbox's former run: containerd keeps its records of them
// with the images, while the cluster they belonged to is gone.
func removeLeftovers(ctx context.Context, state layout.State) error {
	connection, err := grpc.NewClient("unix://"+state.ContainerdSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	cri := runtime.NewRuntimeServiceClient(connection)
	pods, err := cri.ListPodSandbox(ctx, &runtime.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if _, err := cri.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: pod.Id}); err != nil {
			return fmt.Errorf("a pod of the former run cannot be stopped: %w", err)
		}
		if _, err := cri.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: pod.Id}); err != nil {
			return fmt.Errorf("a pod of the former run cannot be removed: %w", err)
		}
	}
	return nil
}
