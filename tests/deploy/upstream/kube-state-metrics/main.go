// Prints what kube-state-metrics serves for objects: its own package, without a cluster.
//
// Usage: kube-state-metrics CONFIG.yaml < objects.json, which is a JSON array of objects as the API server stores them.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-state-metrics/v2/pkg/customresourcestate"
	"k8s.io/kube-state-metrics/v2/pkg/metric"
	generator "k8s.io/kube-state-metrics/v2/pkg/metric_generator"
	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

func main() {
	file, err := os.Open(os.Args[1])
	must(err)
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var config struct {
		Kind                        string
		customresourcestate.Metrics `yaml:",inline"`
	}
	must(decoder.Decode(&config))
	var objects []map[string]any
	must(json.NewDecoder(os.Stdin).Decode(&objects))
	for _, resource := range config.Spec.Resources {
		for i, each := range resource.Metrics { // as its FromConfig does, which needs a cluster
			resource.Metrics[i].Each.Type = metric.Type(strings.ToLower(string(each.Each.Type)))
		}
		factory, err := customresourcestate.NewCustomResourceMetrics(resource)
		must(err)
		families := factory.MetricFamilyGenerators()
		for i, header := range generator.ExtractMetricFamilyHeaders(families) {
			fmt.Println(header)
			for _, object := range objects {
				found := &unstructured.Unstructured{Object: object}
				if found.GroupVersionKind() == schema.GroupVersionKind(resource.GroupVersionKind) {
					fmt.Print(string(families[i].Generate(found).ByteSlice()))
				}
			}
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
