package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func runAPIServer()         { execute(apiserver.NewAPIServerCommand()) }
func runControllerManager() { execute(controllermanager.NewControllerManagerCommand()) }
func runKubelet()           { execute(kubelet.NewKubeletCommand(context.Background())) }
func runProxy()             { execute(proxy.NewProxyCommand()) }
func runScheduler()         { execute(scheduler.NewSchedulerCommand()) }

func execute(command *cobra.Command) {
	os.Exit(cli.Run(command))
}
