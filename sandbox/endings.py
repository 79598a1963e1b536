"""How a command of the sandbox is ended: as Ctrl-C does it, whoever asks, so that what it started ends in order."""

import signal


def end_like_ctrl_c() -> None:
    """Have SIGTERM and SIGINT raise KeyboardInterrupt; a shell that starts a job in the background has SIGINT ignored."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
