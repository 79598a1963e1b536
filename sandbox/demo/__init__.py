"""The main job on one machine: local cloud, real API server, the Pulumi program, the operator, real files, answers."""
