"""Dataset on the real API server: create, adopt, keep, report, let go."""

from __future__ import annotations

from controller.core.facts import QuotaFacts
from tests.integration.world import PROJECT, World


def create(world: World, name: str) -> None:
    """A dataset somebody made by hand."""
    world.imm.create_dataset(PROJECT, name, template_id=None, description=None, quotas=QuotaFacts())


def test_created_with_what_the_spec_says(world: World) -> None:
    """Template, description and quotas arrive in the cloud, and status says that we made it."""
    world.dataset(
        "made", templateId="Official:AllFunction", description="ours", quotas={"maxBindCount": 3, "maxFileCount": 500}
    )
    status = world.await_ready("dataset", "made")["status"]
    assert status["adopted"] is False
    assert status["statistics"] == {"files": 0, "totalSize": 0, "bindings": 0}
    found = world.imm.get_dataset(PROJECT, "made")
    assert found is not None
    assert (found.template_id, found.description) == ("Official:AllFunction", "ours")
    assert (found.quotas.max_bind_count, found.quotas.max_file_count) == (3, 500)


def test_existing_one_is_adopted_without_a_write(world: World) -> None:
    """An object that finds its dataset in place takes charge of it and changes nothing."""
    create(world, "found")
    before = world.calls("CreateDataset"), world.calls("UpdateDataset")
    world.dataset("found")
    assert world.await_ready("dataset", "found")["status"]["adopted"] is True
    assert (world.calls("CreateDataset"), world.calls("UpdateDataset")) == before
    told = ["it existed already in the cloud and is now kept by this object"]
    assert told == world.await_event("Dataset", "found", "Adopted")


def test_changed_spec_updates_in_place(world: World) -> None:
    """An edited quota reaches the cloud; a removed field is left as it is."""
    world.dataset("edited", description="first", quotas={"maxFileCount": 100})
    world.await_ready("dataset", "edited")
    world.dataset("edited", quotas={"maxFileCount": 200})
    world.await_ready("dataset", "edited")
    found = world.imm.get_dataset(PROJECT, "edited")
    assert found is not None
    assert (found.quotas.max_file_count, found.description) == (200, "first")


def test_drift_is_mended_when_asked_to_look(world: World) -> None:
    """A change made behind the operator's back is undone at the next look."""
    world.dataset("drifting", description="ours")
    world.await_ready("dataset", "drifting")
    world.imm.update_dataset(PROJECT, "drifting", template_id=None, description="theirs", quotas=QuotaFacts())
    world.request("dataset", "drifting", "look")
    world.until("the description to be ours again", lambda: _description(world, "drifting") == "ours")


def test_observe_reports_drift_and_writes_nothing(world: World) -> None:
    """Mode Observe says field by field what differs."""
    create(world, "watched")
    before = world.calls("UpdateDataset")
    world.dataset("watched", mode="Observe", description="wanted")
    condition = world.await_reason("dataset", "watched", "DriftDetected")
    assert "description: wanted wanted, is unset" in condition["message"]
    body = world.get("dataset", "watched") or {}
    assert body["status"]["plannedChanges"] == [f"update dataset {PROJECT}/watched: description unset → wanted"]
    assert "finalizers" not in body["metadata"]
    assert world.calls("UpdateDataset") == before


def test_dry_run_shows_the_create(world: World) -> None:
    """Mode DryRun names what would be made; nothing is."""
    world.dataset("planned", mode="DryRun", templateId="Official:ImageManagement")
    world.await_reason("dataset", "planned", "Planned")
    changes = (world.get("dataset", "planned") or {})["status"]["plannedChanges"]
    assert changes == [f"create dataset {PROJECT}/planned with template Official:ImageManagement"]
    assert world.imm.get_dataset(PROJECT, "planned") is None


def test_update_is_made_once_and_settles(world: World) -> None:
    """The cloud takes minutes to show an update: Settling meanwhile, one call, and Ready when it shows."""
    world.dataset("settling", description="first")
    world.await_ready("dataset", "settling")
    before = world.calls("UpdateDataset")
    world.cloud.switch("update_delay_seconds", value=10.0)
    try:
        world.dataset("settling", description="second", quotas={"maxFileCount": 9})
        condition = world.await_reason("dataset", "settling", "Settling")
        assert "takes up to five minutes to show it" in condition["message"]
        assert "description first → second" in condition["message"]
        for turn in range(3):
            world.request("dataset", "settling", f"look-{turn}")
        world.until("the update to show", lambda: _description(world, "settling") == "second")
    finally:
        world.cloud.switch("update_delay_seconds", value=0.0)
    world.request("dataset", "settling", "now")
    assert "intent" not in world.await_ready("dataset", "settling")["status"]
    assert world.calls("UpdateDataset") == before + 1


def test_delete_of_a_full_one_says_what_is_in_the_way(world: World) -> None:
    """Its bindings by bucket, its files by number; that a binding is gone is told without anybody asking."""
    world.bucket("full-bucket").put_object("a.txt", b"text")
    world.dataset("full", deletionPolicy="Delete", deletionGracePeriod="0s")
    world.binding("full", "full-bucket", "full", deletionPolicy="Delete", deletionGracePeriod="0s")
    world.await_ready("datasetbinding", "full")
    world.delete("dataset", "full")
    words = "still has 1 bindings (oss://full-bucket) and 1 files, and nothing here purges them"
    world.until("what is in the way", lambda: words in str((world.get("dataset", "full") or {}).get("status")))
    assert world.imm.get_dataset(PROJECT, "full") is not None
    world.delete("datasetbinding", "full")
    world.await_gone("datasetbinding", "full")
    words = "still has 0 bindings and 1 files"
    world.until("the files to be all", lambda: words in str((world.get("dataset", "full") or {}).get("status")))
    assert world.imm.get_dataset(PROJECT, "full") is not None


def test_statistics_follow_a_binding(world: World) -> None:
    """Counted when somebody looks."""
    world.bucket("counted-bucket").put_object("a.txt", b"text")
    world.dataset("counted")
    world.binding("counted", "counted-bucket", "counted")
    world.await_ready("datasetbinding", "counted")
    world.request("dataset", "counted", "now")
    statistics = (world.get("dataset", "counted") or {})["status"]["statistics"]
    assert (statistics["files"], statistics["bindings"], statistics["totalSize"] > 0) == (1, 1, True)


def test_missing_project_is_a_matter_for_pulumi(world: World) -> None:
    """Without the project nothing can be made, and the message says who makes projects."""
    world.dataset("lost", project="nowhere")
    assert "`pulumi up` makes it" in world.await_reason("dataset", "lost", "ProjectNotFound")["message"]


def test_retain_leaves_the_dataset_and_says_so(world: World) -> None:
    """The default deletion policy touches nothing in the cloud and leaves an event."""
    world.dataset("kept")
    world.await_ready("dataset", "kept")
    before = world.calls("DeleteDataset")
    world.delete("dataset", "kept")
    world.await_gone("dataset", "kept")
    assert world.imm.get_dataset(PROJECT, "kept") is not None
    assert world.calls("DeleteDataset") == before
    assert world.await_event("Dataset", "kept", "Retained")


def test_delete_waits_for_the_grace_period_and_can_be_hurried(world: World) -> None:
    """Policy Delete takes effect after its grace period, or at once where somebody ends that."""
    world.dataset("doomed", deletionPolicy="Delete")
    world.await_ready("dataset", "doomed")
    uid = (world.get("dataset", "doomed") or {})["metadata"]["uid"]
    world.delete("dataset", "doomed")
    world.await_gone("dataset", "doomed")
    stand_in = f"doomed-leaving-{uid[:8]}"
    world.await_reason("dataset", stand_in, "DeletionGracePeriod")
    assert world.imm.get_dataset(PROJECT, "doomed") is not None
    world.annotate("dataset", stand_in, "imm-operator.dev/end-grace-period=now")
    world.await_gone("dataset", stand_in)
    assert world.imm.get_dataset(PROJECT, "doomed") is None


def _description(world: World, name: str) -> str:
    found = world.imm.get_dataset(PROJECT, name)
    return found.description if found else ""
