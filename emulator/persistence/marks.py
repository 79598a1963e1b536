"""How a state's dataclass says that a field is not kept on disk, or not as a whole."""

from __future__ import annotations

# For what is derived from other fields (rebuilt in `__post_init__`), chosen at start, or worthless after a restart.
TRANSIENT = {"persist": False}
# For settings: only what differs from the defaults is kept, so a later release may change a default or drop a setting.
CHANGES_ONLY = {"persist": "changes"}
