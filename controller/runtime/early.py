"""What holds while the rest of the process is imported, which takes seconds on a busy machine.

To be imported first. Signals end the process: the first one of a container ignores a signal that nobody has asked for,
so it would go on to lead, and be killed when its time is up. Nothing is under way yet, so nothing is waited for. And
nothing is searched for garbage, of which all imports leave a megabyte: a tenth of their time went there.
"""

from __future__ import annotations

import gc
import os
import signal
import threading

gc.disable()  # until `controller.__main__` has imported everything
if threading.current_thread() is threading.main_thread():
    for _one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_one, lambda *_: os._exit(0))
