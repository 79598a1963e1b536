"""What makes a run a new one, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import GenericAlias
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, create_model

from controller.api.batchimport import BatchImport, BatchImportSpec, DatasetImport, ImageSearchImport, ImportTarget
from controller.api.importsource import (
    Columns,
    ImportedFile,
    ImportSource,
    Manifest,
    Picture,
    PictureColumns,
    PicturesOfPrefix,
    Prefix,
    Table,
)
from controller.core.imports import identity
from controller.core.imports.identity import Address

PLACE = {
    "account_id": "1234567890",
    "region": "cn-hangzhou",
    "namespace": "media",
    "name": "excursions",
    "project": "media",
    "dataset": "photos",
}
ITEM = {"uri": "oss://photos/a.jpg"}
RUN = "0123456789abcdef" * 2


def spec(**fields: Any) -> BatchImportSpec:
    """A spec as the API server hands it out, by its field names on the wire."""
    given = {
        "accountRef": {"name": "main"},
        "target": {"dataset": {"project": "media", "name": "photos"}},
        "source": {"items": [ITEM]},
    }
    return BatchImportSpec.model_validate(given | fields)


def work(fields: dict[str, Any] | None = None, /, **place: Any) -> str:
    """The hash of a spec in a place."""
    return identity.work_hash(spec(**fields or {}), **(PLACE | place))


def source(**fields: Any) -> str:
    """The hash of a spec with that source."""
    return work({"source": fields})


def of_pictures(target: dict[str, Any] | None = None, /, **fields: Any) -> str:
    """The hash of an import into Image Search, which has no project and no dataset."""
    given = {"target": {"imageSearch": target or PLACE_OF_PICTURES}, "source": fields}
    place = {name: value for name, value in PLACE.items() if name not in {"project", "dataset"}}
    return identity.work_hash(spec(**given), **place)


# Every field of the spec, another value for each, and whether it is work. A new field has to be put here.
FIELDS: dict[str, tuple[Any, bool]] = {
    "accountRef": ({"name": "other"}, False),  # the account it leads to counts, by its id and region
    "target": ({"dataset": {"project": "media", "name": "photos", "onExisting": "UpdateLabels"}}, True),
    "source": ({"items": [{"uri": "oss://photos/b.jpg"}]}, True),
    "onInvalid": ("Skip", True),
    "runToken": ("again", False),  # another reading of the same work
    "retry": ({"failedItems": "one"}, False),
    "maxItems": (5, False),
    "maxFailedItems": (5, False),
    "resultTimeout": ("1h", False),
    "deadline": ("1h", False),
    "resyncInterval": ("1h", False),
    "suspend": (True, False),
    "mode": ("DryRun", False),
    "allowWholeProductDelete": (True, False),
    "allowManifestReplace": (True, False),
}
# The same inside: a source with every field, and another value for each of them.
FILE = {"uri": "oss://photos/a.jpg", "operation": "DELETE", "customId": "1", "customLabels": {"a": "b"}}
OTHER_FILE = {"uri": "oss://photos/b.jpg", "operation": "ADD", "customId": "2", "customLabels": {"a": "c"}}
OF_A_DRIVE = {"fileHash": "EA49", "ossUri": "oss://photos/kept.jpg"}
OTHER_OF_A_DRIVE = {"fileHash": "3C31", "ossUri": "oss://photos/other.jpg"}
COLUMNS = {"uri": "u", "operation": "o", "customId": "i", "labels": {"a": "b"}}
OTHER_COLUMNS = {"uri": "v", "operation": "p", "customId": "j", "labels": {"a": "c"}}
COLUMNS_OF_A_DRIVE = {"fileHash": "h", "ossUri": "w"}
OTHER_COLUMNS_OF_A_DRIVE = {"fileHash": "i", "ossUri": "x"}
TABLE = {"bucket": "tables", "key": "a.csv", "format": "CSV", "columns": COLUMNS, "uriPrefix": "oss://photos/"}
OTHER_TABLE = {
    "bucket": "others", "key": "b.csv", "format": "JSONLines", "columns": OTHER_COLUMNS, "uriPrefix": "oss://other/",
}  # fmt: skip
# What only an import into Image Search reads; what stands there of files it passes over, and it counts all the same.
OF_PICTURES, OTHER_OF_PICTURES = {"pictureColumns": {"productId": "p"}}, {"pictureColumns": {"productId": "q"}}
PICTURE_COLUMNS = {field.alias or name: f"{name}-1" for name, field in PictureColumns.model_fields.items()}
OTHER_PICTURE_COLUMNS = {name: f"{column}-2" for name, column in PICTURE_COLUMNS.items()}
RULE = {
    "productIdFrom": "Folder", "separator": "-", "customContent": "a", "categoryId": 1, "intAttr": 1, "strAttr": "a",
    "crop": True,
}  # fmt: skip
OTHER_RULE = {
    "productIdFrom": "BeforeSeparator", "separator": "+", "customContent": "b", "categoryId": 2, "intAttr": 2,
    "strAttr": "b", "crop": False,
}  # fmt: skip
PICTURE = {
    "operation": "DELETE", "productId": "1", "picName": "a.jpg", "categoryId": 1, "intAttr": 1, "strAttr": "a",
    "customContent": "a", "crop": True, "region": "1,2,3,4",
}  # fmt: skip
OTHER_PICTURE = {
    "operation": "ADD", "productId": "2", "picName": "b.jpg", "categoryId": 2, "intAttr": 2, "strAttr": "b",
    "customContent": "b", "crop": False, "region": "5,6,7,8",
}  # fmt: skip
PLACE_OF_PICTURES = {"instanceName": "shop", "bucket": "pictures", "path": "spring/"}
OTHER_PLACE_OF_PICTURES = {"instanceName": "store", "bucket": "others", "path": "summer/"}
PREFIX = {
    "bucket": "photos", "prefix": "a/", "include": ["*.jpg"], "exclude": ["b*"], "operation": "DELETE",
    "customLabels": {"a": "b"},
}  # fmt: skip
OTHER_PREFIX = {
    "bucket": "others", "prefix": "b/", "include": ["*.png"], "exclude": ["c*"], "operation": "ADD",
    "customLabels": {"a": "c"},
}  # fmt: skip
INSIDE: list[tuple[Any, dict[str, Any], dict[str, Any], Callable[[dict[str, Any]], str]]] = [
    (ImportedFile, FILE | OF_A_DRIVE, OTHER_FILE | OTHER_OF_A_DRIVE, lambda value: source(items=[value])),
    (Table, TABLE | OF_PICTURES, OTHER_TABLE | OTHER_OF_PICTURES, lambda value: source(table=value)),
    (
        Columns,
        COLUMNS | COLUMNS_OF_A_DRIVE,
        OTHER_COLUMNS | OTHER_COLUMNS_OF_A_DRIVE,
        lambda value: source(table=TABLE | {"columns": value}),
    ),
    (Prefix, PREFIX | {"pictures": RULE}, OTHER_PREFIX | {"pictures": OTHER_RULE}, lambda value: source(prefix=value)),
    (
        PictureColumns,
        PICTURE_COLUMNS,
        OTHER_PICTURE_COLUMNS,
        lambda value: of_pictures(table=TABLE | {"pictureColumns": value}),
    ),
    (PicturesOfPrefix, RULE, OTHER_RULE, lambda value: of_pictures(prefix={"bucket": "pictures", "pictures": value})),
    (Picture, PICTURE, OTHER_PICTURE, lambda value: of_pictures(pictures=[value])),
    (Manifest, {"key": "a/increment.meta"}, {"key": "b/increment.meta"}, lambda value: of_pictures(manifest=value)),
    (
        ImageSearchImport,
        PLACE_OF_PICTURES,
        OTHER_PLACE_OF_PICTURES,
        lambda value: of_pictures(value, pictures=[PICTURE]),
    ),
]


def wire_names(model: Any) -> set[str]:
    """A model's fields as they are written."""
    return {field.alias or name for name, field in model.model_fields.items()}


class TestWork:
    """The hash of the work fields."""

    def test_every_field_is_classified(self) -> None:
        """Whoever adds one says here whether it makes a run a new one."""
        assert wire_names(BatchImportSpec) == set(FIELDS)
        assert {"items", "table", "prefix", "pictures", "manifest"} == wire_names(ImportSource)
        assert {"dataset", "imageSearch"} == wire_names(ImportTarget)
        assert {"ref", "project", "name", "onExisting"} == wire_names(DatasetImport)
        for model, value, other, _ in INSIDE:
            assert wire_names(model) == set(value) == set(other)

    @pytest.mark.parametrize("name", FIELDS)
    def test_it_changes_with_a_work_field_and_with_no_other(self, name: str) -> None:
        """Toggling any of the others never makes a finished import run, and be billed, again."""
        value, counts = FIELDS[name]
        assert spec() != spec(**{name: value})
        assert (work() != work({name: value})) == counts

    @pytest.mark.parametrize(
        ("model", "name"), [(model, name) for model, value, *_ in INSIDE for name in value], ids=str
    )
    def test_it_changes_with_everything_inside_the_source(self, model: Any, name: str) -> None:
        """Each field of each kind of source is work."""
        [(value, other, hashed)] = [(value, other, hashed) for one, value, other, hashed in INSIDE if one is model]
        assert hashed(value) != hashed(value | {name: other[name]})

    def test_it_changes_with_the_kind_of_source(self) -> None:
        """Even where they name the same files."""
        assert 3 == len(
            {
                source(items=[ITEM]),
                source(prefix={"bucket": "photos"}),
                source(table={"bucket": "photos", "key": "a.jpg"}),
            }
        )

    @pytest.mark.parametrize("name", PLACE)
    def test_it_changes_with_place_and_owner(self, name: str) -> None:
        """Account, region, object and dataset are what a run belongs to."""
        assert work() != work(**{name: "another"})

    def test_how_the_dataset_is_named_does_not_matter(self) -> None:
        """Only which one it is."""
        assert work() == work({"target": {"dataset": {"ref": "photos"}}})

    def test_the_order_of_labels_and_globs_does_not_matter(self) -> None:
        """They are sets."""
        labels = {"year": "2026", "place": "Dresden", "café": "ß"}
        backwards = dict(reversed(labels.items()))
        assert source(items=[ITEM | {"customLabels": labels}]) == source(items=[ITEM | {"customLabels": backwards}])
        globs = ["*.jpg", "*.png", "**/*.gif"]
        one, other = ({"bucket": "photos", name: globs} for name in ("include", "exclude"))
        assert source(prefix=one) == source(prefix=one | {"include": [*globs[::-1], "*.jpg"]})
        assert source(prefix=other) == source(prefix=other | {"exclude": globs[::-1]})
        assert source(prefix=one) != source(prefix=other)

    def test_the_order_of_items_does(self) -> None:
        """They are sent in it, and a file that stands twice ends as its last line says."""
        second = {"uri": "oss://photos/b.jpg"}
        assert source(items=[ITEM, second]) != source(items=[second, ITEM])

    def test_an_empty_label_is_a_label(self) -> None:
        """What is left out is what holds nothing, not what is empty text."""
        assert source(items=[ITEM]) != source(items=[ITEM | {"customLabels": {"a": ""}}])


class TestDefaults:
    """A default is the same written out and left out, now and in a later version."""

    @pytest.mark.parametrize(
        ("short", "long"),
        [
            ({"source": {"items": [ITEM]}}, {"source": {"items": [ITEM | {"operation": "ADD", "customLabels": {}}]}}),
            (
                {"source": {"table": {"bucket": "tables", "key": "a"}}},
                {
                    "source": {
                        "table": {
                            "bucket": "tables",
                            "key": "a",
                            "format": "JSONLines",
                            "uriPrefix": "",
                            "columns": {
                                "uri": "uri",
                                "operation": "operation",
                                "customId": "customId",
                                "fileHash": "fileHash",
                                "ossUri": "ossUri",
                                "labels": {},
                            },
                        }
                    }
                },
            ),
            (
                {"source": {"prefix": {"bucket": "photos"}}},
                {
                    "source": {
                        "prefix": {
                            "bucket": "photos",
                            "prefix": "",
                            "include": [],
                            "exclude": [],
                            "operation": "ADD",
                            "customLabels": {},
                        }
                    }
                },
            ),
            ({}, {"onInvalid": "Reject"}),
            ({}, {"target": {"dataset": {"project": "media", "name": "photos", "onExisting": "Reindex"}}}),
        ],
    )
    def test_written_out_or_left_out_is_the_same(self, short: dict[str, Any], long: dict[str, Any]) -> None:
        """The API server writes defaults into what it stores."""
        assert spec(**short) == spec(**long)
        assert work(short) == work(long)

    def test_fields_and_defaults_of_a_later_version_change_nothing(self) -> None:
        """A CRD upgrade adds fields with defaults at every level, and the API server fills them in."""

        def later(model: Any, **changed: Any) -> Any:
            group = create_model("Group", depth=(int, 3))
            new: dict[str, Any] = {
                "speed": (str, "fast"),
                "extras": (dict[str, str], Field(default_factory=dict)),
                "tags": (list[str], Field(default_factory=lambda: ["some"])),
                "group": (group, Field(default_factory=group)),
            }
            return create_model(model.__name__, __base__=model, **(new | changed))

        files, table, prefix = later(ImportedFile), later(Table, columns=(later(Columns), {})), later(Prefix)
        sources = later(
            ImportSource,
            items=(GenericAlias(list, files) | None, None),
            table=(table | None, None),
            prefix=(prefix | None, None),
        )
        target = create_model("Target", __base__=type(spec().target), dataset=(later(DatasetImport), ...))
        newer = later(BatchImportSpec, source=(sources, ...), target=(target, ...))
        for kind in ({"items": [FILE, ITEM]}, {"table": TABLE}, {"prefix": PREFIX}):
            old = spec(source=kind)
            new = newer.model_validate(old.model_dump(by_alias=True, exclude_unset=True))
            assert new.model_dump_json() != old.model_dump_json()
            assert identity.work_hash(old, **PLACE) == identity.work_hash(new, **PLACE)

    def test_a_default_for_a_field_that_had_none_changes_nothing(self) -> None:
        """What was stored without it is read with it."""
        prefix = create_model("Prefix", __base__=Prefix, prefix=(str, "everything/"))
        sources = create_model("Source", __base__=ImportSource, prefix=(prefix | None, None))
        newer = create_model("Spec", __base__=BatchImportSpec, source=(sources, ...))
        old = spec(source={"prefix": {"bucket": "photos"}})
        new = newer.model_validate(old.model_dump(by_alias=True, exclude_unset=True))
        assert "everything/" in new.model_dump_json()
        assert identity.work_hash(old, **PLACE) == identity.work_hash(new, **PLACE)

    def test_hashes_are_those_of_the_first_version(self) -> None:
        """A release that changed one would have every import of every user run, and be billed, again.

        That includes a default that is changed to another value: an object stored with the old one has it written out.
        """
        found = {
            "one file": work(),
            "items": source(items=[FILE, ITEM]),
            "table": source(table=TABLE),
            "prefix": source(prefix=PREFIX),
            "target": work({"target": FIELDS["target"][0], "onInvalid": "Skip"}),
            "manifest": of_pictures(manifest={"key": "spring/increment.meta"}),
            "pictures": of_pictures(pictures=[PICTURE]),
            "prefix of pictures": of_pictures(prefix={"bucket": "pictures", "prefix": "spring/"}),
        }
        assert {
            "one file": "9c10ef01848703868b639ef0ffadd2ca",
            "items": "c01c750824a2833c062d1e01570c4e2c",
            "table": "b99bb80db3baafec64b9d9394ab16fc7",
            "prefix": "3c683ac654d544ec092436dfa1d3ac61",
            "target": "bee4735c0ba3859cb6a0e5a881cfd4fd",
            "manifest": "3ae96b949273efb4cac2af0238aad0da",
            "pictures": "c47dbc47358fcdf02cba2122796a1aea",
            "prefix of pictures": "bcf92c988afe6dbacfeee4a2cb8b7900",
        } == found
        defaults = {
            (model.__name__, name): str(field.get_default(call_default_factory=True))
            for model in (
                ImportedFile,
                Columns,
                Table,
                Prefix,
                ImportSource,
                DatasetImport,
                Picture,
                PictureColumns,
                PicturesOfPrefix,
                Manifest,
                ImageSearchImport,
            )
            for name, field in model.model_fields.items()
            if not field.is_required() and field.get_default(call_default_factory=True) not in (None, {}, [])
        }
        assert {
            ("ImportedFile", "operation"): "ADD",
            ("Columns", "uri"): "uri",
            ("Columns", "operation"): "operation",
            ("Columns", "custom_id"): "customId",
            ("Columns", "file_hash"): "fileHash",
            ("Columns", "oss_uri"): "ossUri",
            ("Table", "format"): "JSONLines",
            ("Table", "columns"): str(Columns()),
            ("Prefix", "operation"): "ADD",
            ("DatasetImport", "on_existing"): "Reindex",
            ("Table", "picture_columns"): str(PictureColumns()),
            ("Prefix", "pictures"): str(PicturesOfPrefix()),
            ("Picture", "operation"): "ADD",
            ("PictureColumns", "operation"): "OperationType",
            ("PictureColumns", "product_id"): "ProductId",
            ("PictureColumns", "pic_name"): "PicName",
            ("PictureColumns", "category_id"): "CategoryId",
            ("PictureColumns", "int_attr"): "IntAttr",
            ("PictureColumns", "str_attr"): "StrAttr",
            ("PictureColumns", "custom_content"): "CustomContent",
            ("PictureColumns", "crop"): "Crop",
            ("PictureColumns", "region"): "Region",
            ("PicturesOfPrefix", "product_id_from"): "FileName",
            ("PicturesOfPrefix", "separator"): "_",
        } == {key: value for key, value in defaults.items() if value}


class TestRun:
    """Run ids and keys."""

    def test_a_run_is_work_and_content(self) -> None:
        """Either makes another."""
        ids = {identity.run_id(one, digest) for one in ("a" * 32, "b" * 32) for digest in ("x", "y")}
        assert 4 == len(ids)
        assert {32} == {len(one) for one in ids}

    def test_a_run_token_is_another_reading_of_the_same_work(self) -> None:
        """It has a resolution of its own; what comes out the same is the same run."""
        one = work()
        keys = {identity.resolution_key(one, token) for token in (None, "a", "b")}
        assert 3 == len(keys)
        assert f"runs/{one}.json" in keys
        assert identity.resolution_hash(one, None) == one
        assert keys.isdisjoint({identity.problems_key(one, token) for token in (None, "a", "b")})

    def test_everything_of_a_run_lies_together(self) -> None:
        """Below its id, in keys that list in their order."""
        keys = [
            identity.record_key(RUN), identity.report_key(RUN), identity.end_key(RUN), identity.part_key(RUN, 12),
            identity.segment_key(RUN, 34),
        ]  # fmt: skip
        assert [
            f"runs/{RUN}/record.json", f"runs/{RUN}/report.jsonl", f"runs/{RUN}/end.json",
            f"runs/{RUN}/items/000012.jsonl", f"runs/{RUN}/journal/00000034.jsonl",
        ] == keys  # fmt: skip
        assert identity.segment_key(RUN, 9) < identity.segment_key(RUN, 10)


class TestUserData:
    """What comes back with each result."""

    @given(st.integers(0, 999_999_999), st.from_regex(r"\A[0-9a-zA-Z_-]{1,64}\Z"), st.from_regex(r"\A[0-9a-f]{32}\Z"))
    def test_a_call_is_known_again(self, chunk: int, nonce: str, run: str) -> None:
        """And far below the 2048 bytes that IMM takes."""
        text = identity.user_data(run, nonce, chunk)
        assert Address(run, nonce, chunk) == identity.parse_user_data(text)
        assert len(text) < 200

    @pytest.mark.parametrize(
        "text",
        [
            "", "imm-operator/1", f"imm-operator/2/{RUN}/n/1",
            f"imm-operator/1/{RUN}/n/01", f"imm-operator/1/{RUN}/n/-1",
            f"imm-operator/1/{RUN}/n/1\n", f" imm-operator/1/{RUN}/n/1", f"imm-operator/1/{RUN.upper()}/n/1",
            f"imm-operator/1/{RUN[1:]}/n/1", f"imm-operator/1/{RUN}//1", f"imm-operator/1/{RUN}/n/1/2",
            f"imm-operator/1/{RUN}/n/\u0661", f"imm-operator/1/{RUN}/n/{10**9}", f"imm-operator/1/{RUN}/n/",
        ],
    )  # fmt: skip
    def test_what_is_not_ours_is_nobodys(self, text: str) -> None:
        """Nothing that only looks alike."""
        assert identity.parse_user_data(text) is None

    @given(st.text())
    def test_any_text_is_taken(self, text: str) -> None:
        """It was written by others."""
        found = identity.parse_user_data(text)
        assert found is None or identity.user_data(found.run, found.nonce, found.chunk) == text

    @pytest.mark.parametrize(("run", "nonce", "chunk"), [("x", "n", 1), (RUN, "", 1), (RUN, "a/b", 1), (RUN, "n", -1)])
    def test_what_could_not_be_known_again_is_not_written(self, run: str, nonce: str, chunk: int) -> None:
        """It would be answered to nobody."""
        with pytest.raises(ValueError, match="no UserData"):
            identity.user_data(run, nonce, chunk)


def test_the_wire_form_of_the_kind_is_what_is_hashed() -> None:
    """An object as kubectl sends it and as the API server returns it are one run."""
    body = {
        "metadata": {"name": "excursions", "namespace": "media"},
        "spec": json.loads(spec().model_dump_json(by_alias=True, exclude_none=True)),
    }
    assert work() == identity.work_hash(BatchImport.read(body).spec, **PLACE)
