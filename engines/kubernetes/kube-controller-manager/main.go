// Command kube-controller-manager is the upstream program, unchanged, built from the same release as the API server.
//
// The tests run one of its controllers, the one of HorizontalPodAutoscalers, against which the simulator is judged.
// Flags and behaviour are upstream's; nothing is added here.
package main

import (
	"os"
	_ "time/tzdata" // time zones of CronJobs, as upstream's main registers them

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the program's own client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // the build_info metric
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	os.Exit(cli.Run(app.NewControllerManagerCommand()))
}
