"""Image Search's error table (vendor: "Error codes", help.aliyun.com/document_detail/66619), with its own sentences.

The table has one code for everything that is wrong with a parameter; what is wrong is said behind its sentence, which
the service does not do.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.refusal import Refusal

_SENTENCES = {
    "BadRequest": "The request has invalid parameters.",
    "DeniedRequest": "Your request was denied due to instance flow control.",
    "InstanceStatusError": "Your instance is unavailable.",
    "InvalidCategory": "The specified category is invalid.",
    "InvalidInstance": "The specified instance name is invalid.",
    "InvalidNumParameter": "The specified parameter n is invalid.",
    "InvalidStartParameter": "The specified parameter s is invalid.",
    "NoPermission": "You are not authorized to perform this operation.",
    "NoSpecifiedAddPic": "The image to insert is not specified.",
    "NoSpecifiedSearchPic": "The search image is not specified.",
    "OverflowMaxResultNum": "The specified number of total results exceeds the maximum of 500.",
    "OverflowMaxReturnNum": "The specified number of results for each request exceeds the maximum of 100.",
}
_STATUSES = {"DeniedRequest": 403, "InstanceStatusError": 409, "NoPermission": 403}
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a picture, or what is said of it, cannot be taken: a code of the table and what is wrong."""

    code: str
    problem: str

    @property
    def message(self) -> str:
        """The table's sentence, and what is wrong."""
        return f"{_SENTENCES[self.code]} {self.problem}".strip()


def refused(code: str, problem: str = "") -> Refusal:
    """A refusal of the table."""
    return of_unfit(Unfit(code, problem))


def of_unfit(unfit: Unfit) -> Refusal:
    """The same, of a picture that cannot be taken."""
    return Refusal(_STATUSES.get(unfit.code, _BAD_REQUEST), unfit.code, unfit.message)


def bad_request(problem: str) -> Refusal:
    """A parameter is not as the page of the operation wants it."""
    return refused("BadRequest", problem)


def missing(parameter: str) -> Refusal:
    """A required parameter was not sent: the gateway's own refusal, before the service sees the call."""
    return Refusal(_BAD_REQUEST, f"Missing{parameter}", f"{parameter} is mandatory for this action.")
