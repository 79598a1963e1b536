package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/argoproj/gitops-engine/pkg/health"
	jsonpatch "github.com/evanphx/json-patch"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type told struct {
	Health  *health.HealthStatus       `json:"health"`
	Actions []v1alpha1.ResourceAction  `json:"actions"`
	Results map[string]json.RawMessage `json:"results"` // by action, whether it is offered or not
	Patches map[string]json.RawMessage `json:"patches"` // the merge patch that Argo CD sends for each
}

// ask runs the scripts as Argo CD's API server does. The namespace is the one that argocd-cm is in.
func ask(question *json.Decoder) any {
	var asked struct {
		Namespace string
		Objects   []*unstructured.Unstructured
	}
	must(question.Decode(&asked))
	overrides := customizations(asked.Namespace)
	machine := lua.VM{ResourceOverrides: overrides}
	answers := []told{}
	for _, object := range asked.Objects {
		answer := told{Results: map[string]json.RawMessage{}, Patches: map[string]json.RawMessage{}}
		answer.Health = must1(health.GetResourceHealth(object, lua.ResourceHealthOverrides(overrides)))
		scripts := must1(machine.GetResourceActionDiscovery(object))
		answer.Actions = must1(machine.ExecuteResourceActionDiscovery(object, scripts))
		for _, action := range answer.Actions {
			definition := must1(machine.GetResourceAction(object, action.Name))
			impacted := must1(machine.ExecuteResourceAction(object.DeepCopy(), definition.ActionLua, nil))
			if len(impacted) != 1 || impacted[0].K8SOperation != lua.PatchOperation {
				must(errOtherThanPatch)
			}
			result := must1(impacted[0].UnstructuredObj.MarshalJSON())
			answer.Results[action.Name] = result
			answer.Patches[action.Name] = must1(jsonpatch.CreateMergePatch(must1(object.MarshalJSON()), result))
		}
		answers = append(answers, answer)
	}
	return answers
}

// customizations reads argocd-cm as every part of Argo CD does.
func customizations(namespace string) map[string]v1alpha1.ResourceOverride {
	client := must1(kubernetes.NewForConfig(cluster()))
	return must1(settings.NewSettingsManager(context.Background(), client, namespace).GetResourceOverrides())
}

func cluster() *rest.Config {
	config := must1(clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")))
	config.QPS, config.Burst = 100, 200 // more than Argo CD's own 50 and 100: a test waits for it
	return config
}
