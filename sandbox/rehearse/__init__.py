"""A rehearsal: the unmodified Pulumi program, made in the local cloud by the official SDKs. It is no second Pulumi."""
