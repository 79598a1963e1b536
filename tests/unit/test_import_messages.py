"""What IMM's messages say, in whichever of the documented ways they are wrapped, and what becomes of all others."""

from __future__ import annotations

import json
from array import array
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.api.batchimport import OnExisting
from controller.core.facts import FileOutcome
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import Address, user_data
from controller.core.imports.items import fingerprint
from controller.core.imports.messages import MAX_BODY, Notice, outcomes, read_notice, verdicts
from controller.core.imports.records import Attempt, Chunk, Means, Planned, Verdicts
from controller.core.imports.run import RunState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = "0123456789abcdef" * 2
ADDRESS = Address(RUN, "nonce", 7)
ONE, TWO = "oss://test-bucket/test-object1.jpg", "oss://test-bucket/test-object2.jpg"
# The vendor's indexing guide, "MNS notification message" of BatchIndexFileMeta, as it stands there.
GUIDE = """{
"ProjectName": "test-project",
"DatasetName": "test-dataset",
"RequestId": "658FFD57-B495-07C0-B24B-B64CC52993CB",
"StartTime": "2022-07-06T07:18:18.664770352+08:00",
"EndTime": "2022-07-06T07:18:20.762465221+08:00",
"Success": true,
"Message": "",
"Files": [
{
"URI": "oss://test-bucket/test-object1.jpg",
"CustomLabels": {
"category": "Persons"
},
"Error": ""
},
{
"URI": "oss://test-bucket/test-object2.jpg",
"CustomLabels": {
"category": "Pets"
},
"Error": ""
}
]
}"""
EXPECTED = Notice(
    ADDRESS, "test-project", "test-dataset", (FileOutcome(ONE), FileOutcome(TWO)), success=True, message=""
)


def ours(**changed: Any) -> dict[str, Any]:
    """The guide's message with our UserData, which a call of ours has come back."""
    body: dict[str, Any] = json.loads(GUIDE)
    return body | {"UserData": user_data(RUN, "nonce", 7)} | changed


def raw(text: str) -> str:
    """As it is."""
    return text


def base64(text: str) -> str:
    """As MNS's own SDKs encode."""
    return b64encode(text.encode()).decode()


def base64_in_lines(text: str) -> str:
    """As MIME has it."""
    coded = base64(text)
    return "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76)) + "\n"


def event(text: str) -> str:
    """The vendor's document 2743997: the message as a string in an event."""
    return json.dumps(
        {
            "id": "0A1-1PLJ2KMCHVU",
            "source": "acs.imm",
            "type": "imm:FileMeta:BatchIndex",
            "subject": "acs:imm:cn-hangzhou:1234567890:test-project/FileMetaBatchIndex",
            "time": "1657091900762",
            "content": text,
        }
    )


def notification(text: str) -> str:
    """NotifyContentFormat JSON."""
    said = {"TopicOwner": "1", "TopicName": "t", "Subscriber": "1", "SubscriptionName": "s", "MessageId": "A"}
    return json.dumps(said | {"Message": text, "MessageMD5": "B", "PublishTime": 1}, ensure_ascii=False)


def xml(text: str) -> str:
    """NotifyContentFormat XML, which a subscription has that does not say."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><Notification xmlns="http://mns.aliyuncs.com/doc/v1/">'
        f"<TopicName>t</TopicName><Message>{escape(text)}</Message><PublishTime>1</PublishTime></Notification>"
    )


def quoted(text: str) -> str:
    """A JSON string."""
    return json.dumps(text)


Wrap = Callable[[str], str]
INNER: list[Wrap] = [raw, event]
CODED: list[Wrap] = [raw, base64, base64_in_lines, quoted]
OUTER: list[Wrap] = [raw, notification, xml]
EVERY = list(product(INNER, CODED, OUTER, CODED))


class TestReading:
    """Every documented way leads to the same notice."""

    @pytest.mark.parametrize("wraps", EVERY, ids=lambda wraps: " in ".join(wrap.__name__ for wrap in wraps))
    def test_however_it_is_wrapped(self, wraps: tuple[Wrap, ...]) -> None:
        """Flat or in an event, in base64 or not, in a subscription's notification or not, that in base64 or not."""
        body = json.dumps(ours(), ensure_ascii=False)
        for wrap in wraps:
            body = wrap(body)
        assert EXPECTED == read_notice(body)

    def test_the_guides_own_message_has_no_user_data_and_is_nobodys(self) -> None:
        """Without it nobody can tell which call it answers: the dataset is asked then."""
        assert read_notice(GUIDE) is None
        named = GUIDE.replace('"Message"', f'"UserData": "{user_data(RUN, "nonce", 7)}",\n"Message"')
        assert EXPECTED == read_notice(named)

    def test_content_may_be_an_object(self) -> None:
        """Not only its text."""
        assert EXPECTED == read_notice(json.dumps({"source": "acs.imm", "content": ours()}))

    def test_user_data_may_stand_with_each_file(self) -> None:
        """Where it stands is not documented."""
        body = ours()
        word = body.pop("UserData")
        for file in body["Files"]:
            file["UserData"] = word
        assert EXPECTED == read_notice(json.dumps(body))
        body["Files"][0]["UserData"] = user_data(RUN, "nonce", 8)
        assert read_notice(json.dumps(body)) is None

    def test_letters_beyond_ascii_and_long_errors(self) -> None:
        """Errors are cut, as a run has a hundred thousand of them."""
        files = [{"URI": "oss://b/日本 語😀.jpg", "Error": "坏" * 10_000}, {"URI": "oss://b/ü", "Error": None}]
        found = read_notice(base64(json.dumps(ours(Files=files), ensure_ascii=False)))
        assert found is not None
        assert ["oss://b/日本 語😀.jpg", "oss://b/ü"] == [one.uri for one in found.files]
        assert len(found.files[0].error.encode()) <= 512
        assert "" == found.files[1].error

    @pytest.mark.parametrize("error", [{"Code": "x"}, ["x"], 1, True])
    def test_an_error_of_another_type_is_an_error(self, error: Any) -> None:
        """Never taken for success."""
        found = read_notice(json.dumps(ours(Files=[{"URI": ONE, "Error": error}])))
        assert found is not None
        assert found.files[0].error


def malformed() -> dict[str, str]:
    """Bodies that are no index results of ours, by what is wrong."""
    deep = "[" * 100_000
    nested = json.dumps(ours())
    for _ in range(12):
        nested = event(nested)
    return {
        "empty": "",
        "blank": " \n",
        "text": "hello",
        "a number": "1",
        "a huge number": "9" * 10_000,
        "null": "null",
        "a list": json.dumps([ours()]),
        "cut off": json.dumps(ours())[:-1],
        "deep": deep,
        "deep in base64": base64(deep),
        "deep objects": '{"content":' * 100_000,
        "wrapped too often": nested,
        "quoted too often": "".join(quoted(json.dumps(ours())) for _ in range(1)) * 2,
        "too long": json.dumps(ours(Message="x" * MAX_BODY)),
        "base64 of bytes": b64encode(bytes(range(128, 256))).decode(),
        "half of base64": base64(json.dumps(ours()))[:-3],
        "base64 of the empty text": "====",
        "XML without a message": "<Notification><Topic>t</Topic></Notification>",
        "XML that ends early": xml(json.dumps(ours()))[:-60],
        "a bomb": '<!DOCTYPE a [<!ENTITY b "b">]><Message>&b;</Message>',
        "a task's message": json.dumps(ours(Success=None, TaskType="x", Status="Succeeded")),
        "no project": json.dumps({key: value for key, value in ours().items() if key != "ProjectName"}),
        "a project that is none": json.dumps(ours(ProjectName=1)),
        "no dataset": json.dumps(ours(DatasetName=None)),
        "no word of success": json.dumps({key: value for key, value in ours().items() if key != "Success"}),
        "success in words": json.dumps(ours(Success="true")),
        "success by number": json.dumps(ours(Success=1)),
        "no user data": json.dumps(ours(UserData="")),
        "user data that is none": json.dumps(ours(UserData={"run": RUN})),
        "another's user data": json.dumps(ours(UserData="order 66")),
        "a later version's": json.dumps(ours(UserData=f"imm-operator/2/{RUN}/nonce/7")),
        "content that is none": json.dumps({"content": 1}),
        "a message that is none": json.dumps({"Message": [json.dumps(ours())]}),
        "an event of OSS": json.dumps({"events": [{"eventName": "ObjectCreated:PutObject"}]}),
        "half a surrogate pair": '{"UserData": "\\ud800", "ProjectName": "\\udfff"}',
    }


class TestOthers:
    """What is not ours is told apart, and breaks nothing."""

    @pytest.mark.parametrize("body", malformed().values(), ids=malformed().keys())
    def test_what_is_malformed_is_nobodys(self, body: str) -> None:
        """It is left or set aside, and it never stops whoever reads the queue."""
        assert read_notice(body) is None

    @pytest.mark.parametrize(
        "files", [None, "x", {"URI": ONE}, [None, 1, "x", [], {"Error": "x"}, {"URI": 5}, {"URI": None, "Error": ""}]]
    )
    def test_files_that_are_none_are_passed_over(self, files: Any) -> None:
        """The rest of the message still counts."""
        found = read_notice(json.dumps(ours(Files=files, Success=False, Message="broken")))
        assert replace(EXPECTED, files=(), success=False, message="broken") == found

    @given(st.text() | st.binary().map(lambda data: b64encode(data).decode()))
    @example("{}")
    @example('{"content": "{}"}')
    def test_any_body_is_taken(self, body: str) -> None:
        """Whoever may publish on the topic writes what they like."""
        assert read_notice(body) is None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["content", "Message", "ProjectName", "DatasetName", "Success", "Files", "URI", "Error"]
                    ),
                    inner,
                    max_size=8,
                )
            ),
            max_leaves=30,
        )
    )
    def test_any_json_is_taken(self, value: Any) -> None:
        """Right names with wrong values, too."""
        assert read_notice(json.dumps(value)) is None
        read_notice(json.dumps(ours(Files=value)))
        read_notice(json.dumps(ours() | value if isinstance(value, dict) else {"Message": value}))

    def test_only_the_run_with_its_nonce_project_and_dataset_is_answered(self) -> None:
        """Run ids are hashes of what tenants know of each other; the nonce is not."""
        record = RunRecord(
            cluster="c",
            namespace="media",
            name="a",
            work="w",
            account_id="1",
            region="cn-hangzhou",
            project="test-project",
            dataset="test-dataset",
            on_existing=OnExisting.REINDEX,
            items=2,
            skipped=0,
            digest="d",
            nonce="nonce",
            started_at=NOW,
        )
        assert EXPECTED.fits(RUN, record)
        for changed in (
            replace(EXPECTED, project="other"),
            replace(EXPECTED, dataset="other"),
            replace(EXPECTED, address=replace(ADDRESS, nonce="guess")),
            replace(EXPECTED, address=replace(ADDRESS, run="f" * 32)),
        ):
            assert not changed.fits(RUN, record)


class TestOutcomes:
    """What a notice means for each file."""

    @pytest.mark.parametrize(
        ("success", "message", "errors", "told"),
        [
            (True, "", ["", ""], ["", ""]),
            (True, "", ["[InvalidArgument] File does not exist.", ""], ["[InvalidArgument] File does not exist.", ""]),
            (True, "ignored", ["", ""], ["", ""]),
            (False, "no rights", ["", ""], ["no rights", "no rights"]),
            (False, "no rights", ["broken", ""], ["broken", ""]),
        ],
        ids=["all well", "one failed in a success", "a word in a success", "all failed", "one failed in a failure"],
    )
    def test_a_files_own_error_decides(
        self,
        success: bool,  # noqa: FBT001 - a column of the table
        message: str,
        errors: list[str],
        told: list[str],
    ) -> None:
        """Success: true with an error is a failure; Success: false without any is one of all."""
        files = [{"URI": uri, "Error": error} for uri, error in zip((ONE, TWO), errors, strict=True)]
        found = read_notice(json.dumps(ours(Success=success, Message=message, Files=files)))
        assert found is not None
        assert told == [one.error for one in outcomes(found)]

    def test_a_failure_without_a_word_has_one(self) -> None:
        """An empty error would be a success."""
        found = read_notice(json.dumps(ours(Success=False)))
        assert found is not None
        assert all(one.error for one in outcomes(found))


def state(*uris: str, planned: bool = True) -> RunState:
    """A run of these files, all of them in chunk 7."""
    made = RunState(array("Q", [fingerprint(uri) for uri in uris]))
    if planned:
        made.apply(Planned(NOW, (Chunk(7, Means.INDEX, ((0, len(uris)),)),)))
    return made


class TestVerdicts:
    """What is recorded of a notice."""

    def test_each_file_of_the_call_has_its_own(self) -> None:
        """By its URI, in whatever order; a stranger's file is passed over."""
        run = state(ONE, TWO, "oss://b/3")
        files = (FileOutcome("oss://b/stranger"), FileOutcome("oss://b/3"), FileOutcome(TWO, "bad"), FileOutcome(ONE))
        said = verdicts(replace(EXPECTED, files=files), run, NOW)
        assert Verdicts(7, NOW, "message", ((0, 1), (2, 3)), ((1, "bad"),)) == said

    def test_a_failure_that_names_no_file_is_one_of_all(self) -> None:
        """The whole call was for nothing."""
        said = verdicts(replace(EXPECTED, files=(), success=False, message="no"), state(ONE, TWO), NOW)
        assert Verdicts(7, NOW, "message", (), ((0, "no"), (1, "no"))) == said

    def test_a_success_that_names_no_file_says_nothing(self) -> None:
        """Nothing is silently done."""
        assert verdicts(replace(EXPECTED, files=()), state(ONE, TWO), NOW) is None

    @pytest.mark.parametrize("errors", [("bad", ""), ("", "bad"), ("bad", "worse")])
    def test_a_file_named_twice_has_failed_if_one_says_so(self, errors: tuple[str, str]) -> None:
        """One item, one verdict, and never the better one."""
        files = tuple(FileOutcome(ONE, error) for error in errors)
        said = verdicts(replace(EXPECTED, files=files), state(ONE, TWO), NOW)
        assert Verdicts(7, NOW, "message", (), ((0, "bad"),)) == said

    def test_duplicates_and_late_words_say_nothing_new(self) -> None:
        """A second message, one of an unknown call, one of a call whose files were retried since."""
        run = state(ONE, TWO)
        first = verdicts(EXPECTED, run, NOW)
        assert first is not None
        run.apply(first)
        assert verdicts(EXPECTED, run, NOW) is None
        assert verdicts(EXPECTED, state(ONE, TWO, planned=False), NOW) is None
        late = state(ONE, TWO)
        late.apply(Verdicts(7, NOW, "dataset", unknown=(0, 1)))
        assert Verdicts(7, NOW, "message", ((0, 2),)) == verdicts(EXPECTED, late, NOW)
        late.apply(Attempt("again", NOW))
        assert verdicts(EXPECTED, late, NOW) is None
