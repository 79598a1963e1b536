"""Everything on one machine, for the demo and the tests: a real Kubernetes API server, the emulator, the operator."""
