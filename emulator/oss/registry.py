"""OSS's table of operations, filled by the modules of this folder."""

from __future__ import annotations

from functools import partial

from emulator.call import Operations

OPERATIONS = Operations("oss")
# Answers are shaped as the official SDKs read them; an operation whose rules were read in its reference says so itself.
serves = partial(OPERATIONS.serves, provenance="sdk")
