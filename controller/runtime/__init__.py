"""The engine room: Kopf as informer, store, work queue, pollers, Kubernetes client, probes and metrics."""
