// One Kubernetes control plane in one process: etcd, the API server, and the few controllers
// without which a cluster does not feel like one. Everything is upstream's own code.
//
// usage: cluster ETCD-CONFIG CONTROLLERS-KUBECONFIG API-SERVER-FLAG...
//
// It lives as long as its standard input is open: the kernel closes that when the last process
// that wants the cluster dies, however it dies, so nothing is ever left running.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/util/wait"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

// An operator meets each of these: namespaces that end, owners that take their objects along,
// the default ServiceAccount of a new namespace, and the roles that a chart adds to `view` and `edit`.
var running = []string{
	"namespace-controller", "garbage-collector-controller", "serviceaccount-controller", "clusterrole-aggregation-controller",
}

const patience = 5 * time.Second // for a tidy shutdown; a watch left open would delay it by a minute

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: %s ETCD-CONFIG CONTROLLERS-KUBECONFIG API-SERVER-FLAG", os.Args[0]))
	}
	config, err := embed.ConfigFromFile(os.Args[1])
	fail(err)
	etcd, err := embed.StartEtcd(config)
	fail(err)
	<-etcd.Server.ReadyNotify()

	server := apiserver.NewAPIServerCommand()
	server.SetArgs(os.Args[3:])
	go exitWithInput()
	go func() { fail(runControllers(server.Context(), os.Args[2])) }()
	code := cli.Run(server)
	etcd.Close()
	os.Exit(code)
}

func exitWithInput() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = os.Stdin.Close() // whoever comes now must not mistake us for a live cluster
	time.AfterFunc(patience, func() { os.Exit(0) })
	genericserver.RequestShutdown()
}

func runControllers(ctx context.Context, kubeconfig string) error {
	wanted, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	wanted.SecureServing.BindPort = 0
	wanted.Generic.Controllers = running
	wanted.Generic.LeaderElection.LeaderElect = false
	wanted.Generic.ClientConnection.Kubeconfig = kubeconfig
	config, err := wanted.Config(ctx, controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases())
	if err != nil {
		return err
	}
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		return config.Client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
	if err != nil {
		return nil // stopped before it was ready
	}
	return controllers.Run(ctx, config.Complete())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}
