"""The table of services: every operation the emulator serves, by service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bss.operations import OPERATIONS as BSS
from emulator.imagesearch.operations import OPERATIONS as IMAGE_SEARCH
from emulator.imm.legacy import OPERATIONS as IMM_2017
from emulator.imm.operations import OPERATIONS as IMM
from emulator.ims.operations import OPERATIONS as IMS
from emulator.location.operations import OPERATIONS as LOCATION
from emulator.mns.control import OPERATIONS as MNS_OPEN
from emulator.mns.data import OPERATIONS as MNS
from emulator.oss.operations import OPERATIONS as OSS
from emulator.ram.operations import OPERATIONS as RAM
from emulator.sts.operations import OPERATIONS as STS

if TYPE_CHECKING:
    from emulator.call import Operations

SERVICES: dict[str, Operations] = {
    operations.service: operations
    for operations in (OSS, IMM, IMM_2017, IMAGE_SEARCH, MNS, MNS_OPEN, RAM, IMS, STS, LOCATION, BSS)
}
