"""Takes the signals that end a process while the rest of it is imported, which takes seconds on a busy machine.

To be imported first. The first process of a container ignores a signal that nobody has asked for: it would go on to
lead, and be killed when its time is up. Nothing is under way yet, so nothing is waited for.
"""

from __future__ import annotations

import os
import signal
import threading

if threading.current_thread() is threading.main_thread():
    for _one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_one, lambda *_: os._exit(0))
