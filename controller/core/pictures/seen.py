"""What the walk through a container has found so far: it may end anywhere, and what was found stays."""

from __future__ import annotations

from dataclasses import dataclass

SIZE, ROTATION, ANIMATION = "size in pixels", "rotation", "animation"


class Puzzling(Exception):
    """The container is not as its format says: in words, why nothing can be said of what follows."""


@dataclass(slots=True)
class Seen:
    """The findings of a walk.

    Attributes:
        rotation: Whether it is known what the picture says of its rotation.
        doubt: Why it is not, where something else went well.
        broken: Why it is no whole picture.
    """

    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    rotation: bool = False
    animated: bool | None = None
    doubt: str = ""
    broken: str = ""

    def measure(self, width: int, height: int) -> None:
        """The picture's size in pixels."""
        self.width, self.height = width, height

    def turn(self, orientation: int | None) -> None:
        """What the picture says of its rotation. The first word counts."""
        if not self.rotation:
            self.orientation, self.rotation = orientation, True

    def undecided(self, why: str) -> tuple[str, ...]:
        """What is not known, with the reason `why` where there is no other."""
        known = ((SIZE, self.width is not None), (ROTATION, self.rotation), (ANIMATION, self.animated is not None))
        reasons = {ROTATION: self.doubt or why}
        return tuple(f"{what}: {reasons.get(what, why)}" for what, is_known in known if not is_known)
