"""How a command of the sandbox is ended: as Ctrl-C does it, whoever asks, so that what it started ends in order."""

import signal


def end_like_ctrl_c() -> None:
    """Have SIGTERM raise KeyboardInterrupt, and SIGINT too, which a shell ignores for a job in the background."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
