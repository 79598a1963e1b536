"""Ports for programs that are about to start: whoever starts one has to say beforehand where it will listen.

Between the choice and the program's own `bind` lie seconds, in which the system may give the port to somebody else.
"""

import socket
import sys


def reserve(port: int = 0) -> int:
    """Return a port of 127.0.0.1 that nobody listens at: this one, or where it is 0 one that the system chooses.

    As long as this process lives the system gives it to nobody who takes any; a program that asks for it can listen.

    Raises:
        OSError: somebody has it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        chosen = int(held.getsockname()[1])
        if sys.platform == "linux":  # elsewhere who is bound keeps out whoever would listen, SO_REUSEADDR or not
            held.detach()  # bound and not listening, until the process ends
        return chosen
