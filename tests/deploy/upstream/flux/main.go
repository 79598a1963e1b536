// Flux's own code, asked by tests. Reads a question on standard input, answers in JSON on standard output, judges nothing.
//
//	decode  objects of Flux's kinds, each read strictly into the Go type that its controller reads it into
//	apply   objects, applied and waited for by the packages that kustomize-controller does it with, options and all
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	source "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const controller = "kustomize-controller"

func main() {
	log.SetFlags(0)
	switch os.Args[1] {
	case "decode":
		decode()
	case "apply":
		apply()
	default:
		log.Fatalf("decode or apply, not %s", os.Args[1])
	}
}

// decode answers with what is wrong with each object; an empty text where nothing is.
func decode() {
	var asked []json.RawMessage
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kustomize.AddToScheme, helm.AddToScheme, source.AddToScheme} {
		must(add(known))
	}
	strict := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	wrong := []string{}
	for _, object := range asked {
		found := ""
		if _, _, err := strict.Decode(object, nil, nil); err != nil {
			found = err.Error()
		}
		wrong = append(wrong, found)
	}
	must(json.NewEncoder(os.Stdout).Encode(wrong))
}

type task struct {
	Kustomization json.RawMessage // its name, namespace, force, wait, timeout and healthCheckExprs are read
	Objects       []*unstructured.Unstructured
}

type answer struct {
	Actions map[string]string `json:"actions"` // by object: created, configured, unchanged
	Failed  string            `json:"failed"`  // of the apply
	Waited  string            `json:"waited"`  // what the wait ended with; empty where all was current
}

// apply does what KustomizationReconciler.apply and checkHealth of kustomize-controller 1.9 do.
func apply() {
	var asked task
	var owner kustomize.Kustomization
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	must(json.Unmarshal(asked.Kustomization, &owner))
	ctx, cancel := context.WithTimeout(context.Background(), owner.GetTimeout())
	defer cancel()
	manager := managerOf(&owner)
	manager.SetOwnerLabels(asked.Objects, owner.Name, owner.Namespace)
	must(normalize.UnstructuredList(asked.Objects))
	changes, err := manager.ApplyAllStaged(ctx, asked.Objects, options(&owner))
	told := answer{Actions: map[string]string{}, Failed: said(err)}
	if changes != nil {
		for _, entry := range changes.Entries {
			told.Actions[entry.Subject] = string(entry.Action)
		}
	}
	if err == nil && owner.Spec.Wait {
		told.Waited = said(manager.WaitForSetWithContext(ctx, changes.ToObjMetadataSet(), ssa.WaitOptions{
			Interval: time.Second, Timeout: owner.GetTimeout(), FailFast: true,
		}))
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}

func managerOf(owner *kustomize.Kustomization) *ssa.ResourceManager {
	config := must1(clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")))
	reader := must1(client.New(config, client.Options{}))
	readers := []engine.StatusReader{statusreaders.NewCustomJobStatusReader(reader.RESTMapper())}
	if len(owner.Spec.HealthCheckExprs) > 0 {
		own := must1(cel.NewStatusReader(owner.Spec.HealthCheckExprs))
		readers = append(readers, own(reader.RESTMapper()))
	}
	poller := polling.NewStatusPoller(reader, reader.RESTMapper(), polling.Options{CustomStatusReaders: readers})
	return ssa.NewResourceManager(reader, poller, ssa.Owner{Field: controller, Group: kustomize.GroupVersion.Group})
}

func options(owner *kustomize.Kustomization) ssa.ApplyOptions {
	group := kustomize.GroupVersion.Group
	chosen := ssa.DefaultApplyOptions()
	chosen.Force = owner.Spec.Force
	chosen.ExclusionSelector = map[string]string{
		fmt.Sprintf("%s/reconcile", group): kustomize.DisabledValue,
		fmt.Sprintf("%s/ssa", group):       kustomize.IgnoreValue,
	}
	chosen.IfNotPresentSelector = map[string]string{fmt.Sprintf("%s/ssa", group): kustomize.IfNotPresentValue}
	chosen.ForceSelector = map[string]string{fmt.Sprintf("%s/force", group): kustomize.EnabledValue}
	chosen.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: controller, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{fmt.Sprintf("%s/ssa", group): kustomize.MergeValue},
	}
	return chosen
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must1[T any](result T, err error) T {
	must(err)
	return result
}
