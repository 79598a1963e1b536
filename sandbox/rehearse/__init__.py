"""A rehearsal of `pulumi up` for the demo and the tests: the unmodified program, the local cloud, no Pulumi CLI."""
