"""IMM's error table (vendor: "Error handling", help.aliyun.com/document_detail/477131).

Every one of these is HTTP 400, absence included: a client must match on the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.switches import Switches

BAD_REQUEST = 400


def missing(parameter: str) -> Refusal:
    """A required parameter was not sent."""
    return Refusal(BAD_REQUEST, f"Missing{parameter}", f"{parameter} is mandatory for this action.")


def malformed(parameter: str) -> Refusal:
    """A parameter does not have the type or range the API declares for it."""
    return Refusal(BAD_REQUEST, f"Invalid{parameter}", f"Specified parameter {parameter} is not valid.")


def invalid_argument(message: str) -> Refusal:
    """A well-formed parameter that the service cannot accept; `message` says why."""
    return Refusal(BAD_REQUEST, "InvalidArgument", message)


def invalid_json(parameter: str) -> Refusal:
    """A structured parameter is not the JSON it should be. The documented code begins with InvalidJSON."""
    return Refusal(BAD_REQUEST, "InvalidJSON", f"The JSON of parameter {parameter} cannot be parsed.")


def not_found(switches: Switches, resource: str) -> Refusal:
    """`resource` is Project, Dataset, Binding, File, Batch, …; the vendor's table names it in the message only."""
    code = "ResourceNotFound" if switches.not_found_code == "plain" else f"ResourceNotFound.{resource}"
    return Refusal(BAD_REQUEST, code, f"The specified resource {resource} is not found.")


def already_exists(resource: str, code: str = "ResourceAlreadyExists") -> Refusal:
    """A resource of that identity is there."""
    return Refusal(BAD_REQUEST, code, f"The specified resource {resource} already exists.")


def limit_exceeded(message: str) -> Refusal:
    """A quota refuses."""
    return Refusal(BAD_REQUEST, "LimitExceededError", message)


def not_served(what: str) -> Refusal:
    """The cloud can do this and the emulator cannot: said loudly, never skipped."""
    return Refusal(BAD_REQUEST, "NotImplemented.Emulator", f"{what} is not served by the local cloud.")


def throttled(switches: Switches, project: str) -> Refusal:
    """The project's requests per second are used up."""
    after = switches.throttling_retry_after_ms
    return Refusal(
        switches.throttling_status,
        switches.throttling_code,
        f"Request was denied due to user flow control (project {project}).",
        {"x-acs-retry-after": str(after)} if after else {},
    )
