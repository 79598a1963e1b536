"""Reports of tasks: read in every shape that is likely, and no success in any that is not understood."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.importsource import Operation
from controller.core.imports.items import PART
from controller.core.imports.reportreader import UNSAID
from controller.core.imports.taskreport import NO_REASON, Entry, Judgement, NoReport, Report, judge, read_report
from controller.core.imports.tasks import TaskState
from controller.core.manifest.lines import Line
from controller.core.reasons import Reason

ISOLATED = "Some of the images cannot be processed and are isolated."
BAD = Entry("1", "b.jpg", ok=False, message="broken")
GOOD = Entry("1", "a.jpg", ok=True, message="")
LINES = [
    Line(Operation.ADD, "1", "a.jpg", custom_content="x"),
    Line(Operation.ADD, "1", "b.jpg", custom_content="x"),
    Line(Operation.ADD, "2", "c.jpg", custom_content="x"),
    Line(Operation.DELETE, "3"),
]
ENDS = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.STOPPED)


def jsonl(*entries: dict[str, Any]) -> bytes:
    """A report."""
    return "".join(json.dumps(one) + "\n" for one in entries).encode()


def reported(*entries: Entry) -> Report:
    """A report that says just this."""
    said = [
        {"ProductId": one.product_id, "PicName": one.pic_name, "Success": one.ok, "Message": one.message}
        for one in entries
    ]
    report = read_report(jsonl(*said))
    assert report is not None
    assert list(entries) == entries_of(report)
    return report


def entries_of(report: Report) -> list[Entry]:
    """All that it says."""
    return [report.entry(number) for number in range(len(report.names))]


def as_csv(*rows: Sequence[Any]) -> bytes:
    """A report."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


class TestReading:
    """From bytes to entries."""

    @pytest.mark.parametrize(
        "data",
        [
            jsonl({"ProductId": "1", "PicName": "b.jpg", "Message": "broken"}),
            jsonl({"product_id": "1", "pic_name": "b.jpg", "error_msg": "broken"}),
            jsonl({"productID": 1, "picName": "b.jpg", "success": False, "reason": "broken"}),
            b"\xef\xbb\xbf\r\n" + jsonl({"Product-Id": "1", "Pic Name": "b.jpg", "status": "FAIL", "msg": "broken"}),
            json.dumps([{"productId": "1", "picName": "b.jpg", "errorMessage": "broken"}], indent=1).encode(),
            as_csv(["ProductId", "PicName", "Message"], ["1", "b.jpg", "broken"]),
            b'[{"ProductId": "1", "x": {"y": "}\\"{", "z": [{}]}, "PicName": "b.jpg", "Message": "broken"}]  ',
            as_csv(["ProductId", "PicName", "Message"], ["1", "b.jpg", "broken"]).rstrip() + b"\n \r\n\t",
            as_csv(["Line", "Type", "ProductId", "PicName", "Code", "Message"], [2, "ADD", 1, "b.jpg", "", "broken"]),
        ],
    )  # fmt: skip
    def test_every_likely_shape_is_one_report(self, data: bytes) -> None:
        """Whatever the spelling of its members."""
        report = read_report(data)
        assert report is not None
        assert [("1", "b.jpg", "broken")] == [(one.product_id, one.pic_name, one.message) for one in entries_of(report)]
        assert not report.entry(0).ok

    @pytest.mark.parametrize(
        "data",
        [
            b"<html><body><table><tr><th>ProductId</th></tr></table></body></html>",
            b"line 2: ADD 1/b.jpg: InvalidPicture broken\n", b"\xff\xfe", b"{", b"[1]", b'["a"]', b"[]x", b"null",
            jsonl({"ProductId": "1", "PicName": "b.jpg"}) + b"and 3 more\n",
            jsonl({"ProductId": "1", "PicName": "b.jpg"}, {"RequestId": "x"}), jsonl({"ProductId": ["1"]}),
            b'[{"ProductId":"1"},]', b'[{"ProductId":"1"}', b'[{"ProductId":"1"} {"ProductId":"2"}]',
            b'[{"ProductId":"1"}]]', b'[{"a":{', b'[{"ProductId":"1', b'{"ProductId":' + b"[" * 100_000,
            as_csv(["a", "b"], [1, 2]),
            as_csv(["ProductId", "PicName"], ["1"]), b'ProductId,PicName\n"1,b', as_csv(["PicName"], [""]),
        ],
    )  # fmt: skip
    def test_what_is_not_understood_to_its_end_is_none(self, data: bytes) -> None:
        """Half of it would pass failures for successes."""
        assert read_report(data) is None

    @pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", as_csv(["ProductId", "PicName", "Message"])])
    def test_a_report_may_name_nothing(self, data: bytes) -> None:
        """That is not the same as none."""
        report = read_report(data)
        assert report is not None
        assert not report.names

    def test_one_that_is_too_long_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It would not fit into memory."""
        monkeypatch.setattr("controller.core.imports.reportreader.MAX_REPORT", 40)
        assert read_report(jsonl({"ProductId": "1", "PicName": "b.jpg"})) is not None
        assert read_report(jsonl({"ProductId": "1", "PicName": "a-long-name.jpg"})) is None

    @pytest.mark.parametrize(
        ("said", "ok", "message"),
        [
            ({"Code": "0", "Message": "success"}, True, ""), ({"Code": 0}, True, ""), ({"Success": True}, True, ""),
            ({"Status": "SUCCESS", "Code": "9"}, True, ""), ({"Message": "success"}, True, ""),
            ({"Code": "BadPicture", "Message": "not a picture"}, False, "[BadPicture] not a picture"),
            ({"Code": "BadPicture"}, False, "BadPicture"), ({"Status": "isolated"}, False, UNSAID),
            ({"Message": "too small"}, None, "too small"), ({}, None, UNSAID), ({"Message": None}, None, UNSAID),
        ],
    )  # fmt: skip
    def test_an_entry_says_in_its_way_whether_its_line_failed(
        self,
        said: dict[str, Any],
        ok: bool | None,  # noqa: FBT001 - a row
        message: str,
    ) -> None:
        """By a word, a code, or its message; else it is not known."""
        report = read_report(jsonl({"ProductId": "1"} | said))
        assert report is not None
        assert [Entry("1", None, ok, message)] == entries_of(report)

    @pytest.mark.parametrize("form", ["jsonl", "array", "csv"])
    def test_each_entry_is_found_again(self, form: str) -> None:
        """In any order, by its place in the bytes, whatever its text holds."""
        hard = '{"\n},\r\n\\" 日'
        said = [{"ProductId": str(at), "PicName": "日" * at + ".jpg", "Message": f"{hard}{at}"} for at in range(50)]
        data = {
            "jsonl": jsonl(*said), "array": json.dumps(said, ensure_ascii=False).encode(),
            "csv": as_csv([*said[0]], *([*one.values()] for one in said)),
        }[form]  # fmt: skip
        report = read_report(data)
        assert report is not None
        for at in (49, 0, 17, 3, 17):
            assert report.entry(at) == Entry(f"{at}", said[at]["PicName"], None, said[at]["Message"])

    @pytest.mark.parametrize("data", [b'[{"a":' + b'\\"' * 500_000, b"[" + b"{" * 500_000, b'[{"' * 300_000], ids=len)
    def test_no_bytes_take_long(self, data: bytes) -> None:
        """Nothing is looked at again and again."""
        began = time.thread_time()
        assert read_report(data) is None
        assert 5 > time.thread_time() - began

    def test_a_message_is_cut(self) -> None:
        """It goes into journal and status."""
        report = read_report(jsonl({"ProductId": "1", "Message": "日" * 10_000}))
        assert report is not None
        assert 512 >= len(report.entry(0).message.encode())

    @given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\n1aProductId ', max_size=60).map(str.encode))
    def test_nothing_raises(self, data: bytes) -> None:
        """Whatever the address answers."""
        read_report(data)


def told(found: Judgement) -> tuple[list[int], dict[int, str], list[int]]:
    """Succeeded, failed and cancelled lines of a judgement."""
    parts = list(found.parts)
    succeeded = [i for part in parts for first, end in part.succeeded for i in range(first, end)]
    cancelled = [i for part in parts for first, end in part.cancelled for i in range(first, end)]
    failed = [(i, words) for part in parts for words, of in part.failed for first, end in of for i in range(first, end)]
    assert len(succeeded) + len(failed) + len(cancelled) == len({*succeeded, *dict(failed), *cancelled})
    return succeeded, dict(failed), cancelled


def of(
    state: TaskState,
    report: Report | NoReport | None,
    message: str = "success",
    lines: Sequence[Line] = LINES,
    **more: Any,
) -> Judgement:
    """The judgement on these lines, which are the run's from 10 on."""
    return judge(state, message, report, enumerate(lines, 10), ((10, 10 + len(lines)),), **more)


class TestJudging:
    """What becomes of each line."""

    def test_success_without_a_report_is_success(self) -> None:
        """Nothing was isolated."""
        found = of(TaskState.SUCCEEDED, NoReport.ABSENT)
        assert (([10, 11, 12, 13], {}, []), None) == (told(found), found.why)

    def test_of_a_success_the_named_ones_failed(self) -> None:
        """And the rest succeeded."""
        found = of(TaskState.SUCCEEDED, reported(BAD, Entry("3", None, None, "gone")), ISOLATED)
        assert (([10, 12], {11: "broken", 13: "gone"}, []), None) == (told(found), found.why)

    @pytest.mark.parametrize(
        "report",
        [None, *NoReport, reported(), reported(GOOD)],
        ids=["unread", *NoReport.__members__, "empty", "good"],
    )
    @pytest.mark.parametrize(
        ("message", "code"), [(ISOLATED, "0"), ("部分图片无法处理, 已被隔离", "0"), ("success", "BadRequest")]
    )
    def test_isolated_lines_that_nobody_names_are_unknown_never_done(
        self, report: Report | NoReport | None, message: str, code: str
    ) -> None:
        """Whatever kept the names from us."""
        found = of(TaskState.SUCCEEDED, report, message, code=code)
        expired = report is NoReport.EXPIRED or report is NoReport.LATE
        assert ([], {}, []) == told(found)
        assert found.why is (Reason.REPORT_EXPIRED if expired else Reason.REPORT_UNREADABLE)
        assert found.words

    @pytest.mark.parametrize("state", ENDS)
    @pytest.mark.parametrize("report", [None, NoReport.EXPIRED], ids=repr)
    def test_a_report_that_cannot_be_read_makes_the_lines_unknown(
        self, state: TaskState, report: NoReport | None
    ) -> None:
        """At every end of a task, without any word of isolated lines."""
        found = of(state, report)
        assert (([], {}, []), True) == (told(found), found.why is not None)

    @pytest.mark.parametrize("state", ENDS)
    @pytest.mark.parametrize(
        "entry", [Entry("9", "a.jpg", None, "?"), Entry("1", "z.jpg", None, "?"), Entry("9", None, None, "?")], ids=str
    )
    def test_an_entry_that_names_no_line_is_not_understood(self, state: TaskState, entry: Entry) -> None:
        """Then nobody knows what the others mean."""
        found = of(state, reported(BAD, entry))
        assert (([], {}, []), Reason.REPORT_UNREADABLE) == (told(found), found.why)
        assert "no line of the task" in found.words

    def test_failure_without_a_report_fails_every_line(self) -> None:
        """With the service's words."""
        found = of(TaskState.FAILED, NoReport.ABSENT, "no such manifest")
        assert ([], dict.fromkeys(range(10, 14), "no such manifest"), []) == told(found)
        assert {"no reason"} == {words[-9:] for words in told(of(TaskState.FAILED, NoReport.ABSENT, ""))[1].values()}
        long = told(of(TaskState.FAILED, NoReport.ABSENT, "日" * 10_000))[1].values()
        assert 512 >= max(len(words.encode()) for words in long), "it stands in the journal once for each line"

    @pytest.mark.parametrize(
        ("message", "code", "said"),
        [
            ("no such manifest", "0", "no such manifest"), ("", "InvalidMetaItem", "InvalidMetaItem"),
            ("", "0", NO_REASON), ("broken", "InvalidMetaItem", "[InvalidMetaItem] broken"),
        ],
    )  # fmt: skip
    def test_a_failure_says_what_the_service_said_with_its_code(self, message: str, code: str, said: str) -> None:
        """Each once, and that nothing was said where nothing was."""
        for report in (NoReport.ABSENT, reported()):
            assert {said} == {*told(of(TaskState.FAILED, report, message, code=code))[1].values()}

    def test_a_success_never_says_that_it_failed(self) -> None:
        """Its words are the service's, the code alone where there are no others."""
        for report in (NoReport.ABSENT, reported(), reported(GOOD)):
            found = of(TaskState.SUCCEEDED, report, "", code="BadRequest")
            assert (True, False) == ("'BadRequest'" in found.words, NO_REASON in found.words)

    def test_what_may_have_had_a_report_is_unknown_once_its_address_is_gone(self) -> None:
        """A failure may have been of some lines only; a success without doubt has none that failed."""
        for state in (TaskState.FAILED, TaskState.STOPPED):
            found = of(state, NoReport.LATE)
            assert (([], {}, []), Reason.REPORT_EXPIRED) == (told(found), found.why)
        found = of(TaskState.SUCCEEDED, NoReport.LATE)
        assert (([10, 11, 12, 13], {}, []), None) == (told(found), found.why)

    def test_failure_with_a_report_is_as_it_lists(self) -> None:
        """What it does not list failed."""
        found = of(TaskState.FAILED, reported(GOOD, BAD), "stopped by an error", code="Internal")
        rest = "[Internal] stopped by an error"
        assert ([10], {11: "broken", 12: rest, 13: rest}, []) == told(found)

    def test_after_stop_the_completed_part_is_done(self) -> None:
        """And what the report does not list was never worked off."""
        found = of(TaskState.STOPPED, reported(GOOD, BAD))
        assert (([10], {11: "broken"}, [12, 13]), None) == (told(found), found.why)

    @pytest.mark.parametrize("report", [reported(BAD), reported(), NoReport.ABSENT], ids=["failures", "empty", "none"])
    def test_after_stop_without_the_completed_part_the_rest_is_unknown(self, report: Report | NoReport) -> None:
        """It may be done or not."""
        found = of(TaskState.STOPPED, report)
        named = {11: "broken"} if isinstance(report, Report) and report.names else {}
        assert (([], named, []), Reason.REPORT_UNREADABLE) == (told(found), found.why)

    def test_lines_are_known_by_half_a_name_where_it_is_one_line(self) -> None:
        """By product, by picture, by the picture in its folder."""
        for entry, index in (
            (Entry("2", None, None, "x"), 12), (Entry("", "c.jpg", None, "x"), 12),
            (Entry("2", "spring/c.jpg", None, "x"), 12), (Entry("", "spring/c.jpg", None, "x"), 12),
            (Entry("3", "any.jpg", None, "x"), 13),
        ):  # fmt: skip
            assert {index: "x"} == told(of(TaskState.SUCCEEDED, reported(entry), path="spring/"))[1]
        found = of(TaskState.SUCCEEDED, reported(Entry("1", None, None, "x")))
        assert (([], {}, []), Reason.REPORT_UNREADABLE) == (told(found), found.why)
        assert "more than one line" in found.words

    def test_of_two_words_on_a_line_the_worse_counts(self) -> None:
        """A report may list it twice."""
        fixed = Entry("1", "b.jpg", ok=True, message="")
        for entries in ((fixed, BAD), (BAD, fixed), (BAD, BAD)):
            assert {11: "broken"} == told(of(TaskState.SUCCEEDED, reported(*entries)))[1]

    def test_a_task_in_progress_has_no_result(self) -> None:
        """Asking for one is a defect."""
        with pytest.raises(ValueError, match="in progress"):
            of(TaskState.PROCESSING, NoReport.ABSENT)

    def test_a_report_on_every_line_takes_little_memory(self) -> None:
        """Some 30 bytes an entry beside its own, where an object for each would take ten times as many."""
        size = 20_000
        data = b"".join(b'{"ProductId":"%d","Code":"Bad","Message":"no %d"}\n' % (at, at) for at in range(size))
        tracemalloc.start()
        try:
            report = read_report(data)
            assert report is not None
            items = ((at, Line(Operation.ADD, str(at), "a.jpg", custom_content="x")) for at in range(size))
            found = judge(TaskState.SUCCEEDED, ISOLATED, report, items, ((0, size),))
            tracemalloc.reset_peak()
            kept = tracemalloc.get_traced_memory()[0]
            failed = sum(len(part.failed) for part in found.parts)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert size == failed, "each has a reason of its own"
        assert 64 * size > kept
        assert 1500 * PART > peak - kept, "what is said of a part's lines is read when it is told"

    def test_parts_are_of_a_bounded_size(self) -> None:
        """A record of the journal for each; the lines are not even read where no report names any."""
        size = 3 * PART + 7
        found = judge(TaskState.FAILED, "no", NoReport.ABSENT, iter(()), ((0, PART + 1), (PART + 5, size + 4)))
        parts = list(found.parts)
        assert len(parts) == 4
        assert {"no"} == {words for part in parts for words, _ in part.failed}
        sizes = [end - first for part in parts for _, ranges in part.failed for first, end in ranges]
        assert (size, True) == (sum(sizes), len(sizes) <= 6)

    @given(
        st.sampled_from(ENDS), st.sampled_from(["success", ISOLATED, ""]), st.sampled_from(["0", "", "Bad"]),
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([True, False, None])), max_size=8),
        st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True).map(sorted),
    )  # fmt: skip
    def test_every_line_has_one_fate_or_the_rest_is_unknowable(
        self, state: TaskState, message: str, code: str, named: list[tuple[int, bool | None]], indices: list[int]
    ) -> None:
        """And a line that is named as failed is never done."""
        lines = [Line(Operation.ADD, str(index), "a.jpg", custom_content="x") for index in indices]
        picked = [(indices[at % len(indices)], ok) for at, ok in named]
        report = reported(*(Entry(str(index), "a.jpg", ok, "" if ok else "bad") for index, ok in picked))
        items, ranges = zip(indices, lines, strict=True), [(index, index + 1) for index in indices]
        found = judge(state, message, report, items, ranges, code=code)
        succeeded, failed, cancelled = told(found)
        assert {*succeeded, *failed, *cancelled} <= set(indices)
        assert not {index for index, ok in picked if not ok} & {*succeeded, *cancelled}
        if found.why is None:
            assert len(succeeded) + len(failed) + len(cancelled) == len(indices)
        else:
            assert not succeeded
