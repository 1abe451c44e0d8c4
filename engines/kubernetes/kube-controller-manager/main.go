// Command kube-controller-manager is the upstream program, unchanged, built from the same release as the API server.
//
// The tests run its HorizontalPodAutoscaler controller and compare the simulator with it.
// Flags and behavior are those of upstream.
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
