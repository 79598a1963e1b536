package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const tracking = "argocd.argoproj.io/tracking-id"

var errOtherThanPatch = errors.New("an action that does something else than patching its object")

type verdict struct {
	Modified  bool            `json:"modified"`
	Predicted json.RawMessage `json:"predicted"`
	Live      json.RawMessage `json:"live"`
}

// compare says of each pair whether it is out of sync, by each way of comparing that Argo CD has. No ignoreDifferences,
// and status is compared too.
func compare(question *json.Decoder) any {
	var asked struct {
		Namespace string
		Pairs     []struct{ Target, Live *unstructured.Unstructured }
	}
	must(question.Decode(&asked))
	seen := watched(asked.Namespace)
	must(seen.EnsureSynced())
	applier, done, err := kube.ManageServerSideDiffDryRuns(cluster(), seen.GetOpenAPISchema(), tracing.NopTracer{},
		logr.Discard(), func(string) (kube.CleanupFunc, error) { return func() {}, nil })
	must(err)
	defer done()
	ways := map[string][]diff.Option{
		"ThreeWay":        {},
		"StructuredMerge": {diff.WithStructuredMergeDiff(true)},
		"ServerSide": {
			diff.WithServerSideDiff(true), diff.WithIgnoreMutationWebhook(true),
			diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)),
		},
	}
	usual := []diff.Option{diff.WithGVKParser(seen.GetGVKParser()), diff.WithManager(manager), diff.WithLogr(logr.Discard())}
	verdicts := map[string][]verdict{}
	for way, options := range ways {
		for _, pair := range asked.Pairs {
			found := must1(diff.Diff(pair.Target.DeepCopy(), pair.Live.DeepCopy(), append(options, usual...)...))
			verdicts[way] = append(verdicts[way], verdict{found.Modified, found.PredictedLive, found.NormalizedLive})
		}
	}
	return verdicts
}

type synced struct {
	Object  string `json:"object"`
	Result  string `json:"result"`
	Phase   string `json:"phase"`
	Message string `json:"message"`
}

// synchronize does one sync, as appStateManager.SyncAppState of Argo CD: looks again and again, each time with what the
// look before came to, until the operation is over or its time is.
func synchronize(question *json.Decoder) any {
	var asked struct {
		Namespace      string // of the objects
		Customizations string // the namespace of argocd-cm
		Objects        []*unstructured.Unstructured
		ServerSide     bool
		Prune          bool
		Confirmed      bool // somebody approved what asks for it by Prune=confirm
		Seconds        int
	}
	must(question.Decode(&asked))
	seen := watched(asked.Namespace)
	must(seen.EnsureSynced())
	ctl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	options := []sync.SyncOpt{
		sync.WithLogr(logr.Discard()), sync.WithManifestValidation(true),
		sync.WithHealthOverride(lua.ResourceHealthOverrides(customizations(asked.Customizations))),
		sync.WithPrune(asked.Prune), sync.WithPruneConfirmed(asked.Confirmed),
		sync.WithServerSideApply(asked.ServerSide), sync.WithServerSideApplyManager(manager),
	}
	ours := func(resource *cache.Resource) bool { return resource.Info == true }
	phase, message, results, begun := common.OperationRunning, "", []common.ResourceSyncResult{}, time.Now()
	for !phase.Completed() && time.Since(begun) < time.Duration(asked.Seconds)*time.Second {
		live := must1(seen.GetManagedLiveObjs(asked.Objects, ours))
		found := sync.Reconcile(asked.Objects, live, asked.Namespace, seen)
		state := sync.WithInitialState(phase, message, results, metav1.NewTime(begun))
		look, done, err := sync.NewSyncContext("revision", found, cluster(), cluster(), ctl, asked.Namespace,
			seen.GetOpenAPISchema(), append(options, state)...)
		must(err)
		look.Sync()
		phase, message, results = look.GetState()
		done()
		time.Sleep(300 * time.Millisecond)
	}
	answer := struct {
		Phase   string   `json:"phase"`
		Message string   `json:"message"`
		Results []synced `json:"results"`
	}{string(phase), message, []synced{}}
	for _, one := range results {
		name := one.ResourceKey.Kind + "/" + one.ResourceKey.Name
		answer.Results = append(answer.Results, synced{name, string(one.Status), string(one.HookPhase), one.Message})
	}
	return answer
}

func watched(namespace string) cache.ClusterCache {
	tracked := func(object *unstructured.Unstructured, _ bool) (any, bool) {
		return object.GetAnnotations()[tracking] != "", object.GetAnnotations()[tracking] != ""
	}
	return cache.NewClusterCache(cluster(), cache.SetNamespaces([]string{namespace}), cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(tracked))
}
