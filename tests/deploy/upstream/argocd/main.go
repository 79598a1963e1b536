// Argo CD's own code, asked by tests. Reads a question on standard input, answers in JSON on standard output, judges
// nothing. KUBECONFIG is the cluster.
//
//	decode  Applications and AppProjects, each read strictly into the Go type that Argo CD reads it into
//	ask     objects: their health, the actions on them, and what each action makes of them, by the scripts of argocd-cm
//	diff    objects as Git has them and as the cluster has them: whether Argo CD calls them out of sync
//	sync    objects, by the engine that Argo CD syncs with: waves, health, prune
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

const manager = "argocd-controller"

func main() {
	log.SetFlags(0)
	commands := map[string]func(*json.Decoder) any{"decode": decode, "ask": ask, "diff": compare, "sync": synchronize}
	answer := commands[os.Args[1]](json.NewDecoder(os.Stdin))
	must(json.NewEncoder(os.Stdout).Encode(answer))
}

// decode answers with what is wrong with each object; an empty text where nothing is.
func decode(question *json.Decoder) any {
	var asked []json.RawMessage
	must(question.Decode(&asked))
	known := runtime.NewScheme()
	must(v1alpha1.AddToScheme(known))
	strict := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	wrong := []string{}
	for _, object := range asked {
		_, _, err := strict.Decode(object, nil, nil)
		wrong = append(wrong, said(err))
	}
	return wrong
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
