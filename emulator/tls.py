"""A certificate for this run: a certificate authority that signs one server certificate and is then forgotten.

Its private key never touches the disk, so a machine that trusts the authority's certificate trusts nothing else by it.
Each start makes new ones: clients read the authority's file again.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme

_LIFETIME = timedelta(days=365)  # macOS trusts no server for more than 825 days
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a server needs, and the authority that clients are told to trust (PEM)."""

    context: ssl.SSLContext
    authority: bytes


def make_certificates(region: str, names: Sequence[str] = ()) -> Certificates:
    """Certificates for localhost, 127.0.0.1, ::1, buckets of a region and `names`.

    Args:
        region: `bucket.oss-{region}.localhost` is covered; clients match no `*.localhost`, whose parent has no dot.
        names: More names and addresses; names may begin with `*.`.
    """
    authority = trustme.CA(path_length=0, organization_name="imm-operator emulator, local only")
    of_region = (f"oss-{region}.localhost", f"*.oss-{region}.localhost")
    server = authority.issue_cert(*_LOCAL, *of_region, *names, not_after=datetime.now(UTC) + _LIFETIME)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.configure_cert(context)
    return Certificates(context, authority.cert_pem.bytes())
