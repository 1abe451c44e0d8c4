// Command pilot-discovery is Istio's control plane, unchanged, built from its Go module.
//
// Istio publishes istiod as container images only. The module has no tags: go.mod pins the published commit of the
// release branch. The tests ask it to admit every rendered Istio object and read the Envoy configuration it generates
// from them. Flags and behavior are those of upstream.
package main

import (
	"os"

	"istio.io/istio/pilot/cmd/pilot-discovery/app"
	"istio.io/istio/pkg/log"
)

func main() {
	log.EnableKlogWithCobra()
	if err := app.NewRootCommand().Execute(); err != nil {
		log.Error(err)
		os.Exit(-1)
	}
}
