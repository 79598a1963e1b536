"""Ownership as tables: what a record says, and what a plan makes of whose a binding is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.fields import DeletionPolicy, Mode
from controller.core.actions import (
    Action,
    ClaimOwnership,
    DeleteBinding,
    Hold,
    RecordIntent,
    Release,
    ReleaseOwnership,
)
from controller.core.binding import plan
from controller.core.dataset import plan as plan_dataset
from controller.core.ownership import (
    Address,
    Claim,
    Holding,
    Owner,
    Record,
    Subject,
    address,
    decode,
    on_record,
    record,
)
from controller.core.plan import Plan, Standing
from controller.core.reasons import Reason
from tests.unit.plan_inputs import (
    NOW,
    binding_facts,
    binding_spec,
    dataset_facts,
    dataset_spec,
    leaving,
    observed_binding,
    observed_dataset,
)

SUBJECT = Subject("1234567890123456", "cn-hangzhou", "media", "pictures", "photos")
WHERE = Address("imm-work", "owners/1234567890123456/cn-hangzhou/media/pictures/photos.json")
URL = f"oss://imm-work/{WHERE.key}"
OWNER = Owner("cluster-one", "team", "photos")
RUNNING = binding_facts("Running", "IncrementalScanning")


def claim(holding: Holding, **fields: Any) -> Claim:
    """What is known of the binding's owner."""
    usual: dict[str, Any] = {"holding": holding, "subject": SUBJECT, "address": WHERE}
    return Claim(**usual | fields)


def kinds(decided: Plan) -> tuple[type[Action], ...]:
    """The kinds of what is planned, in order."""
    return tuple(type(action) for action in decided.actions)


THEIRS = claim(Holding.THEIRS, holder="DatasetBinding other", way_out="Delete one of the two")


def test_the_record_lies_where_its_name_says_and_reads_as_documented() -> None:
    """The path names the binding, the content names the owner by cluster and object, never by uid."""
    assert WHERE == address("imm-work", SUBJECT)
    assert URL == str(WHERE)
    assert {
        "version": 1,
        "cluster": "cluster-one",
        "kind": "DatasetBinding",
        "namespace": "team",
        "name": "photos",
        "recordedAt": "2026-08-01T12:00:00+00:00",
    } == json.loads(record(OWNER, NOW).encode())
    assert record(OWNER, NOW) == decode(record(OWNER, NOW).encode())


BROKEN = {
    "empty": b"",
    "no-json": b"\xff\x00",
    "a-list": b"[]",
    "a-later-version": json.dumps({**json.loads(record(OWNER, NOW).encode()), "version": 2}).encode(),
    "another-kind": json.dumps({**json.loads(record(OWNER, NOW).encode()), "kind": "BatchImport"}).encode(),
    "no-name": json.dumps({**json.loads(record(OWNER, NOW).encode()), "name": ""}).encode(),
    "a-number-for-a-cluster": json.dumps({**json.loads(record(OWNER, NOW).encode()), "cluster": 7}).encode(),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_record_of_this_version_is_not_taken_for_one(data: bytes) -> None:
    """Never for ours, and never for nobody's."""
    assert decode(data) is None


@given(data=st.binary(max_size=200))
def test_no_content_breaks_the_reader(data: bytes) -> None:
    """Whoever may write to the work bucket may write anything."""
    assert decode(data) is None or isinstance(decode(data), Record)


@given(
    one=st.tuples(*[st.text("ab_-", min_size=1, max_size=3)] * 3),
    two=st.tuples(*[st.text("ab_-", min_size=1, max_size=3)] * 3),
)
def test_no_two_bindings_share_a_record(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    """Nor do two accounts, as the account's own id stands before every name."""
    first, second = (Subject("1", "cn-hangzhou", *names) for names in (one, two))
    assert (address("imm-work", first) == address("imm-work", second)) == (one == two)
    assert address("imm-work", first).key.startswith("owners/1/cn-hangzhou/")


class TestKept:
    """An object that is there: claimed first, in conflict never touched."""

    @pytest.mark.parametrize(
        ("holding", "planned"),
        [
            (Holding.UNLOOKED, (RecordIntent,)),
            (Holding.UNRECORDED, (RecordIntent,)),
            (Holding.OURS, (RecordIntent,)),
            (Holding.VACANT, (ClaimOwnership,)),
            (Holding.LEFT, (ClaimOwnership,)),
            (Holding.REMEMBERED, (ClaimOwnership,)),
            (Holding.THEIRS, ()),
        ],
    )
    def test_a_binding_to_be_made_is_claimed_before_its_intent(
        self, holding: Holding, planned: tuple[type[Action], ...]
    ) -> None:
        """Also where status says that it is ours: this is the moment that two owners would hurt each other."""
        known = THEIRS if holding is Holding.THEIRS else claim(holding)
        assert planned == kinds(plan(binding_spec(), observed_binding(claim=known), NOW))

    @pytest.mark.parametrize(
        ("holding", "planned"),
        [
            (Holding.UNRECORDED, ()),
            (Holding.OURS, ()),
            (Holding.REMEMBERED, ()),
            (Holding.VACANT, (ClaimOwnership,)),
            (Holding.LEFT, (ClaimOwnership,)),
            (Holding.THEIRS, ()),
        ],
    )
    def test_a_binding_that_is_there_is_claimed_before_it_is_adopted(
        self, holding: Holding, planned: tuple[type[Action], ...]
    ) -> None:
        """What is remembered costs nothing while nothing is written."""
        known = THEIRS if holding is Holding.THEIRS else claim(holding)
        assert planned == kinds(plan(binding_spec(), observed_binding(binding=RUNNING, claim=known), NOW))

    def test_the_finalizer_stands_before_the_record(self) -> None:
        """A record that a delete could lose would lock everybody out."""
        seen = observed_binding(held=False, claim=claim(Holding.VACANT))
        assert (Hold, ClaimOwnership) == kinds(plan(binding_spec(), seen, NOW))

    @pytest.mark.parametrize("binding", [None, RUNNING, binding_facts("Failed")], ids=["absent", "running", "failed"])
    @pytest.mark.parametrize("held", [True, False])
    @pytest.mark.parametrize("recreate", ["Always", "Never"])
    def test_in_conflict_nothing_is_done_whatever_is_there(self, binding: Any, recreate: str, *, held: bool) -> None:
        """No finalizer, no intent, no call; the words name the holder and the way out."""
        seen = observed_binding(binding=binding, held=held, claim=THEIRS)
        decided = plan(binding_spec(recreatePolicy=recreate), seen, NOW)
        assert (Standing.STALLED, Reason.OWNERSHIP_CONFLICT, ()) == (
            decided.verdict.standing,
            decided.verdict.reason,
            decided.actions,
        )
        for words in ("oss://photos", "DatasetBinding other", "nothing is done", "Delete one of the two"):
            assert words in decided.verdict.message

    @pytest.mark.parametrize("spec", [{"mode": "Observe"}, {"mode": "DryRun"}, {"suspend": True}], ids=str)
    @pytest.mark.parametrize("holding", [Holding.VACANT, Holding.LEFT, Holding.REMEMBERED])
    @pytest.mark.parametrize("binding", [None, RUNNING], ids=["absent", "running"])
    def test_who_writes_nothing_claims_nothing(self, spec: dict[str, Any], holding: Holding, binding: Any) -> None:
        """And DryRun still says what Apply would do."""
        decided = plan(binding_spec(**spec), observed_binding(binding=binding, claim=claim(holding)), NOW)
        assert () == decided.actions
        if binding is None and spec.get("mode") == Mode.DRY_RUN:
            assert "bind oss://photos to dataset media/pictures" in decided.verdict.planned_changes

    @pytest.mark.parametrize("binding", [None, RUNNING], ids=["absent", "running"])
    def test_the_work_bucket_itself_is_never_bound(self, binding: Any) -> None:
        """Its records would be indexed and billed."""
        seen = observed_binding(binding=binding, work_bucket="photos", claim=claim(Holding.VACANT))
        decided = plan(binding_spec(), seen, NOW)
        assert (Reason.SPEC_INVALID, ()) == (decided.verdict.reason, decided.actions)
        assert "workBucket" in decided.verdict.message

    @pytest.mark.parametrize(
        ("holding", "kept"),
        [
            (Holding.OURS, URL),
            (Holding.REMEMBERED, "before"),
            (Holding.UNLOOKED, "before"),
            (Holding.UNRECORDED, None),
            (Holding.VACANT, None),
            (Holding.LEFT, None),
            (Holding.THEIRS, None),
        ],
    )
    def test_status_remembers_only_a_record_that_was_ours(self, holding: Holding, kept: str | None) -> None:
        """What was not looked at stays as it was."""
        assert kept == on_record(claim(holding), "before")


class TestLeaving:
    """An object that is deleted: its record goes with its ownership, and only then."""

    @pytest.mark.parametrize("policy", list(DeletionPolicy))
    @pytest.mark.parametrize("made", [True, False])
    @pytest.mark.parametrize("detached", [True, False])
    def test_an_object_in_conflict_touches_nothing(self, policy: DeletionPolicy, *, made: bool, detached: bool) -> None:
        """Whatever its policy: one release, which says whose it is."""
        gone = leaving(policy=policy, made=made, detached=detached, grace_ended=True)
        decided = plan(None, observed_binding(binding=RUNNING, claim=THEIRS, leaving=gone), NOW)
        [release] = decided.actions
        assert isinstance(release, Release)
        assert (Reason.OWNERSHIP_CONFLICT, "the thing belongs to DatasetBinding other and is left as it is") == (
            release.reason,
            release.message,
        )

    @pytest.mark.parametrize("holding", [Holding.UNLOOKED, Holding.REMEMBERED, Holding.OURS])
    def test_a_retained_binding_is_nobodys_afterwards(self, holding: Holding) -> None:
        """Another object may adopt it."""
        gone = leaving(policy=DeletionPolicy.RETAIN)
        decided = plan(None, observed_binding(claim=claim(holding), leaving=gone), NOW)
        assert (ReleaseOwnership, Release) == kinds(decided)

    def test_a_binding_is_removed_before_its_record(self) -> None:
        """The record goes only when the cloud does not list the binding any more."""
        gone = leaving(grace_ended=True)
        there = observed_binding(binding=RUNNING, claim=claim(Holding.OURS), leaving=gone)
        assert (DeleteBinding,) == kinds(plan(None, there, NOW))
        absent = observed_binding(claim=claim(Holding.OURS), leaving=gone)
        assert (ReleaseOwnership, Release) == kinds(plan(None, absent, NOW))

    def test_the_grace_period_keeps_the_record(self) -> None:
        """The owner may come back."""
        decided = plan(None, observed_binding(claim=claim(Holding.UNLOOKED), leaving=leaving()), NOW)
        assert ReleaseOwnership not in kinds(decided)

    def test_a_record_that_nobody_can_remove_is_told_of(self) -> None:
        """Without credentials the object goes all the same."""
        gone = leaving(policy=DeletionPolicy.RETAIN)
        known = Claim(Holding.UNLOOKED, SUBJECT, stays=URL)
        [release] = plan(None, observed_binding(claim=known, leaving=gone), NOW).actions
        assert isinstance(release, Release)
        assert f"its owner record {URL} stays: delete it" in release.message


class TestDataset:
    """Contested inside one cluster, without a record."""

    @pytest.mark.parametrize("dataset", [None, dataset_facts()], ids=["absent", "there"])
    def test_in_conflict_nothing_is_done(self, dataset: Any) -> None:
        """Neither made nor updated."""
        seen = observed_dataset(dataset=dataset, claim=THEIRS, held=False)
        decided = plan_dataset(dataset_spec(description="mine"), seen, NOW)
        assert (Reason.OWNERSHIP_CONFLICT, ()) == (decided.verdict.reason, decided.actions)
        assert "dataset media/pictures belongs to" in decided.verdict.message

    def test_a_deleted_object_in_conflict_leaves_the_dataset(self) -> None:
        """With policy Delete, too."""
        seen = observed_dataset(dataset=dataset_facts(), claim=THEIRS, leaving=leaving(grace_ended=True))
        assert (Release,) == kinds(plan_dataset(None, seen, NOW))
