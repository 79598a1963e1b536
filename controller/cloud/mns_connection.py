"""The HTTP connection under the MNS SDK, which brings its own: over TLS that one waits for ever for a dead peer.

The SDK also sends a request a second time, by itself, when the connection ends before an answer: that covers kept-alive
connections which the server has closed meanwhile, and repeats calls that took effect. Here a connection that was closed
is noticed before it is used, and an answer that does not come is an error.
"""

from __future__ import annotations

import select
from http.client import BadStatusLine, HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit


class Connection(HTTPConnection):
    """Plain HTTP. Made for one thread."""

    request_length = 0  # the SDK reads it after each answer

    def prepare(self, patience: float) -> None:
        """Let the next call wait so many seconds for the connection, and as long for the answer."""
        self.timeout = patience
        if self.sock is None:
            return
        if _readable(self.sock.fileno()):  # nothing was asked: all that can be there is the end
            self.close()
        else:
            self.sock.settimeout(patience)

    def getresponse(self) -> HTTPResponse:
        try:
            return super().getresponse()
        except BadStatusLine as error:  # what the SDK takes for a reason to send the request again
            raise ConnectionResetError("the connection ended before the answer came") from error


class SecureConnection(Connection, HTTPSConnection):
    """HTTP over TLS."""


def connect_to(endpoint: str) -> Connection:
    """A connection to `http(s)://host[:port]`, opened at first use."""
    address = urlsplit(endpoint)
    return (SecureConnection if address.scheme == "https" else Connection)(address.netloc)


def _readable(descriptor: int) -> bool:
    poll = select.poll()  # select() takes no descriptor above 1023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
