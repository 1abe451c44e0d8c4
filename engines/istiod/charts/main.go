// Command istio-charts renders Istio's own Helm charts, as they are in its Go module, with Istio's own renderer.
//
// On standard input: a JSON object with chart, release, namespace and values. On standard output: the objects as YAML.
// The tests pass the values that the stack sets for the charts.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"istio.io/istio/operator/pkg/helm"
	"istio.io/istio/operator/pkg/values"
)

// folders of the charts by their published names
var folders = map[string]string{
	"base":    "base",
	"istiod":  "istio-control/istio-discovery",
	"cni":     "istio-cni",
	"gateway": "gateway",
	"ztunnel": "ztunnel",
}

type wanted struct {
	Chart     string         `json:"chart"`
	Release   string         `json:"release"`
	Namespace string         `json:"namespace"`
	Values    map[string]any `json:"values"`
}

func main() {
	if err := render(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render() error {
	var asked wanted
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	folder, known := folders[asked.Chart]
	if !known {
		return fmt.Errorf("no chart is named %q", asked.Chart)
	}
	input := values.Map{"spec": map[string]any{"values": asked.Values}}
	manifests, warnings, err := helm.Render(asked.Release, asked.Namespace, folder, input, nil)
	if err != nil {
		return err
	}
	if len(warnings) > 0 {
		return fmt.Errorf("the chart warns: %v", warnings)
	}
	for _, each := range manifests {
		fmt.Printf("---\n%s\n", each.Content)
	}
	return nil
}
