"""What Location's operations need: nothing; where a product is reached is no secret (assumed)."""

from __future__ import annotations

from emulator.rights import Table

NEEDS: Table = {"DescribeEndpoints": ()}
