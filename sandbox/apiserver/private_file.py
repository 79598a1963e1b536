"""Write files that hold credentials, or what the next start relies on."""

import os
from pathlib import Path


def write(path: Path, text: str) -> Path:
    """Write `path` for its owner alone, all of it or nothing: another process may be reading the old one."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    return fresh.replace(path)
