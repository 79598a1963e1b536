"""A rehearsal of `pulumi up`: the unmodified program, on one machine, without the Pulumi CLI.

The program talks to a monitor of ours instead of Pulumi's engine, and each resource it declares is really made in the
local cloud through the vendor's SDKs. It is no second Pulumi: it knows a handful of resource types, keeps no secrets,
refuses what it does not do, and refuses every cloud but a local one.
"""

from sandbox.rehearse.start import RehearsalFailed, rehearse

__all__ = ["RehearsalFailed", "rehearse"]
