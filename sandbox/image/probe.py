"""What a process of the image can do, found out from inside; its text is given to the image's own Python.

Prints one line of JSON: who it is, what it may write, which shells there are, and which packages the base brings.
"""

import json
import os
import sys
from importlib.metadata import distributions

SHELLS = {"ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"}
NOT_FILES = {"/proc", "/dev"}


def main() -> None:
    """Walk everything that can be seen."""
    writable, shells = [], []
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in NOT_FILES]  # noqa: PTH118 - os.walk's own
        if os.access(folder, os.W_OK):
            writable.append(folder)
        shells += [os.path.join(folder, name) for name in files if name in SHELLS]  # noqa: PTH118 - likewise
    ours = ("/app/program", "/app/dependencies")
    strange = [d.name for d in distributions() if not str(d.locate_file("")).startswith(ours)]
    found = {"user": os.getuid(), "group": os.getgid(), "groups": os.getgroups(), "process": os.getpid()}
    sys.stdout.write(json.dumps({**found, "writable": writable, "shells": shells, "strange_packages": strange}))


main()
