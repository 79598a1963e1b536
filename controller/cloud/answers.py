"""Answers of a shape that nobody documents: what was done cannot be told from them, whichever call they answer.

SDKs and adapters take answers apart field by field, and each field that is missing or another thing than it should be
raises something of its own. Above the adapters there is one word for all of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

from controller.cloud import trace
from controller.cloud.errors import TimedOut

ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what taking apart another thing raises
P = TypeVar("P")


def unclear(operation: str, error: Exception, request_id: str = "") -> TimedOut:
    """The error that leaves the effect open. It holds nothing of the answer, which may be a key or a message."""
    said = f"the answer has a shape that is not known ({type(error).__name__}); its effect is unclear"
    return TimedOut(operation, said, request_id=request_id)


def understood(port: type[P]) -> type[P]:
    """Have each public method of an adapter raise `TimedOut` where it cannot take an answer apart."""
    for name, method in [*vars(port).items()]:
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(port, name, _understood(method))
    return port


def _understood(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except ODD as error:
            operation, request_id = trace.latest()
            raise unclear(operation, error, request_id) from error

    return call
