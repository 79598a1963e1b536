"""The real Kubernetes API server: built once from `sandbox/cluster/`, started in a folder, handed out, ended."""
