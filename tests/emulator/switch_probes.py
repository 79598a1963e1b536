"""Which probe finds out which switch, and what a switch of numbers is set to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.unverified import switches
from tests.emulator import image_batch_probes, image_picture_probes, message_probes, resource_probes

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

# A switch of numbers is tested at a value other than its default.
CHOSEN: dict[str, object] = {
    "delete_binding_seconds": 30.0,
    "update_delay_seconds": 300.0,
    "batch_update_files_max": 2,
    "custom_labels_max": 2,
    "custom_label_max_length": 4,
    "increment_report_kept_seconds": 14_400.0,
    "increment_page_max": 12,
}
IN_THE_GATEWAY = {
    "request_target_max",
    "request_target_refusal",
    "throttling_retry_after_ms",
    "server_error_body",
    "unknown_key_status",
    "bad_signature_status",
    "no_permission_code",
    "pass_role_needed",
}  # tested over a socket, in test_unverified_gateway.py
WITH_A_LISTENER = {
    "increment_callback_retries",
    "increment_callback_certificate",
}  # tested with a server to call back, in test_image_batches_callback.py
_FOUND = {
    **vars(image_batch_probes),
    **vars(image_picture_probes),
    **vars(message_probes),
    **vars(resource_probes),
}
PROBES: dict[str, Callable[[Room], object]] = {name: _FOUND[name] for name in switches() if name in _FOUND}
