// Command kube-apiserver is the upstream API server, unchanged, built from its Go module.
//
// Kubernetes publishes the server as source only; this module pins one release (go.mod) and maps its staging
// modules, which the release itself takes from its own tree, to the published ones of the same minor version.
// The tests apply every rendered object to it. Flags and behavior are those of upstream.
package main

import (
	"os"
	_ "time/tzdata" // time zones of CronJobs, as upstream's main registers them

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the server's own client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // the build_info metric
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
