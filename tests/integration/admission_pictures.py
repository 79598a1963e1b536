"""What the API server refuses and accepts of an import into Image Search: rows of `test_admission`."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]
A_TARGET = "spec.target takes exactly one of dataset (indexed into IMM) and imageSearch (imported into an instance)"
A_SOURCE = (
    "spec.source takes exactly one of items (up to 200 files written here), pictures (up to 200 lines of "
    "increment.meta written here), manifest (an increment.meta in OSS), table (JSON Lines or CSV in OSS) and prefix"
)
AN_INSTANCE = "an Image Search instance is named by 1 to 20 characters; its name is not its id (imagesearch-cn-…)"
A_BUCKET = "a bucket name is 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
A_PATH = "a path has no / at its begin, and ends with one unless it is empty, e.g. spring/"
A_MANIFEST = "a manifest is exactly increment.meta, in the folder of its pictures, and has no / at its begin"
A_NAME = "a PicName is relative, without / at its begin, and has its extension, e.g. girlCloth/girl_cloth8.jpg"
A_STR_ATTR = "a StrAttr has up to 128 characters, and none of \\ ¥ $ & %"
A_REGION = "a Region is x1,x2,y1,y2 in whole pixels, e.g. 20,40,60,80"
ITEMS_OF_DATASET = "spec.source.items belongs to target.dataset; pictures are given by source.pictures"
PICTURES_OF_SEARCH = (
    "spec.source.pictures and spec.source.manifest belong to target.imageSearch; files are given by source.items"
)
KEY_OF_PATH = (
    "spec.source.manifest.key is target.imageSearch.path followed by increment.meta: PicNames are relative to its"
)
PREFIX_OF_PATH = "spec.source.prefix lies in target.imageSearch's bucket and path: a manifest and its pictures are in"
AN_INTEGER = 'must be of type integer: "string"'
GIRL = {"productId": "1000", "picName": "girl_cloth1.jpg", "customContent": "k1:v1"}
SHOP = {"instanceName": "shop", "bucket": "my-photos"}
LEAST, MOST = -(2**63), 2**63 - 1


def shop(source: Spec | None = None, **change: Any) -> Spec:
    """A target, by default with a picture as its source."""
    return {"target": {"imageSearch": SHOP | change}, "source": source or {"pictures": [GIRL]}}


def of(*more: Spec, **change: Any) -> Spec:
    """A source of pictures: the guide's own with a change, and others."""
    return shop({"pictures": [GIRL | change, *more]})


def without(name: str, **change: Any) -> Spec:
    """The guide's own without a field."""
    return shop({"pictures": [{key: value for key, value in (GIRL | change).items() if key != name}]})


def listed(**change: Any) -> Spec:
    """A source that is a prefix."""
    return shop({"prefix": {"bucket": "my-photos"} | change})


def ruled(**rule: Any) -> Spec:
    """The same with a rule for the pictures."""
    return listed(pictures=rule)


def columns(**named: Any) -> Spec:
    """A source that is a table."""
    return shop({"table": {"bucket": "my-tables", "key": "x.csv", "format": "CSV", "pictureColumns": named}})


COLUMNS = ("operation", "productId", "picName", "categoryId", "intAttr", "strAttr", "customContent", "crop", "region")

BAD: list[tuple[str, Spec, str]] = [
    ("target-of-both", {"target": {"dataset": {"ref": "photos"}, "imageSearch": SHOP}}, A_TARGET),
    ("instance-missing", {"target": {"imageSearch": {"bucket": "abc"}}}, "imageSearch.instanceName: Required value"),
    ("instance-empty", shop(instanceName=""), AN_INSTANCE),
    ("instance-of-21", shop(instanceName="i" * 21), "may not be more than 20 bytes"),
    ("instance-with-a-dot", shop(instanceName="my.shop"), AN_INSTANCE),
    ("instance-from-a-hyphen", shop(instanceName="-shop"), AN_INSTANCE),
    ("instance-with-newline", shop(instanceName="shop\n"), AN_INSTANCE),
    ("instance-as-number", shop(instanceName=7), 'must be of type string: "integer"'),
    ("pictures-bucket-missing", {"target": {"imageSearch": {"instanceName": "shop"}}}, "bucket: Required value"),
    ("pictures-bucket-misspelled", shop(bucket="My-Photos"), A_BUCKET),
    ("path-from-a-slash", shop(path="/spring/"), A_PATH),
    ("path-of-a-slash", shop(path="/"), A_PATH),
    ("path-without-a-slash", shop(path="spring"), A_PATH),
    ("path-from-a-backslash", shop(path="\\spring/"), A_PATH),
    ("path-with-newline", shop(path="a\nb/"), A_PATH),
    ("path-too-long", shop(path="p" * 512 + "/"), "may not be more than 512 bytes"),
    ("existing-of-pictures", shop(onExisting="Reindex"), 'unknown field "spec.target.imageSearch.onExisting"'),
    ("items-into-an-instance", shop({"items": [{"uri": "oss://my-photos/a.jpg"}]}), ITEMS_OF_DATASET),
    ("pictures-into-a-dataset", {"source": {"pictures": [GIRL]}}, PICTURES_OF_SEARCH),
    ("manifest-into-a-dataset", {"source": {"manifest": {"key": "increment.meta"}}}, PICTURES_OF_SEARCH),
    ("pictures-and-manifest", shop({"pictures": [GIRL], "manifest": {"key": "increment.meta"}}), A_SOURCE),
    ("pictures-and-items", shop({"pictures": [GIRL], "items": [{"uri": "oss://abc/a"}]}), A_SOURCE),
    ("manifest-without-key", shop({"manifest": {}}), "spec.source.manifest.key: Required value"),
    ("manifest-of-another-name", shop({"manifest": {"key": "import.meta"}}), A_MANIFEST),
    ("manifest-in-capitals", shop({"manifest": {"key": "Increment.meta"}}), A_MANIFEST),
    ("manifest-with-an-ending", shop({"manifest": {"key": "increment.meta.txt"}}), A_MANIFEST),
    ("manifest-with-a-beginning", shop({"manifest": {"key": "my-increment.meta"}}), A_MANIFEST),
    ("manifest-from-a-slash", shop({"manifest": {"key": "/increment.meta"}}), A_MANIFEST),
    ("manifest-too-long", shop({"manifest": {"key": "k" * 1010 + "/increment.meta"}}), "more than 1023 bytes"),
    ("manifest-of-another-path", shop({"manifest": {"key": "a/increment.meta"}}, path="b/"), KEY_OF_PATH),
    ("manifest-above-its-path", shop({"manifest": {"key": "increment.meta"}}, path="b/"), KEY_OF_PATH),
    ("manifest-below-the-root", shop({"manifest": {"key": "a/increment.meta"}}), KEY_OF_PATH),
    (
        "columns-of-files",
        shop({"table": {"bucket": "my-tables", "key": "x", "columns": {"uri": "file"}}}),
        "spec.source.table's columns and uriPrefix belong to target.dataset; a table of pictures has pictureColumns",
    ),
    (
        "uri-prefix-of-pictures",
        shop({"table": {"bucket": "my-tables", "key": "x", "uriPrefix": "oss://my-photos/"}}),
        "spec.source.table's columns and uriPrefix belong to target.dataset",
    ),
    (
        "columns-of-pictures",
        {"source": {"table": {"bucket": "my-tables", "key": "x", "pictureColumns": {"picName": "file"}}}},
        "spec.source.table.pictureColumns belongs to target.imageSearch; a table of files has columns",
    ),
    (
        "labels-of-pictures",
        listed(customLabels={"a": "b"}),
        "spec.source.prefix.customLabels belongs to target.dataset; pictures have pictures.customContent",
    ),
    (
        "rule-of-pictures-for-files",
        {"source": {"prefix": {"bucket": "my-photos", "pictures": {"productIdFrom": "Folder"}}}},
        "spec.source.prefix.pictures belongs to target.imageSearch; files have customLabels",
    ),
    ("prefix-of-another-bucket", listed(bucket="other-photos"), PREFIX_OF_PATH),
    ("prefix-beside-the-path", shop({"prefix": {"bucket": "my-photos", "prefix": "a/"}}, path="b/"), PREFIX_OF_PATH),
    ("prefix-above-the-path", shop({"prefix": {"bucket": "my-photos"}}, path="b/"), PREFIX_OF_PATH),
    ("pictures-none", shop({"pictures": []}), "spec.source.pictures in body should have at least 1 items"),
    ("pictures-beyond-two-hundred", of(*[GIRL] * 200), "Too many: 201: must have at most 200 items"),
    ("picture-updated", of(operation="UPDATE"), 'supported values: "ADD", "DELETE"'),
    ("picture-without-product", without("productId"), "spec.source.pictures[0].productId: Required value"),
    ("picture-of-an-empty-product", of(productId=""), "productId in body should be at least 1 chars long"),
    ("picture-of-a-long-product", of(productId="p" * 257), "may not be more than 256 bytes"),
    ("picture-of-a-number", of(productId=1000), 'must be of type string: "integer"'),
    ("add-without-name", without("picName"), "spec.source.pictures: an ADD needs picName"),
    ("add-without-content", without("customContent", operation="ADD"), "an ADD needs customContent"),
    ("name-empty", of(picName=""), A_NAME),
    ("name-without-extension", of(picName="girl_cloth10"), A_NAME),
    ("name-from-a-slash", of(picName="/girlCloth/girl_cloth8.jpg"), A_NAME),
    ("name-from-a-backslash", of(picName="\\girl.jpg"), A_NAME),
    ("name-of-a-folder-with-a-dot", of(picName="v1.0/girl"), A_NAME),
    ("name-with-newline", of(picName="girl\n.jpg"), A_NAME),
    ("name-too-long", of(picName="n" * 253 + ".jpg"), "may not be more than 256 bytes"),
    ("name-of-a-delete", of(picName="girl", operation="DELETE"), A_NAME),
    ("category-as-text", of(categoryId="0"), AN_INTEGER),
    ("category-in-fractions", of(categoryId=0.5), 'must be of type int64: "float64"'),
    ("category-beyond-64-bits", of(categoryId=MOST + 1), 'must be of type int64: "float64"'),
    ("number-as-text", of(intAttr="7"), AN_INTEGER),
    ("number-below-64-bits", of(intAttr=LEAST - 1), 'must be of type int64: "float64"'),
    *((f"text-with-{ord(one)}", of(strAttr=f"50{one}"), A_STR_ATTR) for one in "\\¥$&%"),
    ("text-too-long", of(strAttr="s" * 129), "may not be more than 128 bytes"),
    ("content-too-long", of(customContent="c" * 4097), "may not be more than 4096 bytes"),
    ("crop-as-text", of(crop="false"), 'must be of type boolean: "string"'),
    ("region-of-three", of(region="1,2,3"), A_REGION),
    ("region-of-five", of(region="1,2,3,4,5"), A_REGION),
    ("region-with-spaces", of(region="20, 40, 60, 80"), A_REGION),
    ("region-below-zero", of(region="-1,2,3,4"), A_REGION),
    ("region-in-fractions", of(region="1.5,2,3,4"), A_REGION),
    ("region-as-list", of(region=[1, 2, 3, 4]), 'must be of type string: "array"'),
    ("picture-misspelled", of(PicName="a.jpg"), 'unknown field "spec.source.pictures[0].PicName"'),
    ("second-picture", of({"productId": "2"}), "spec.source.pictures[1]: Invalid value"),
    *((f"column-{name}-empty", columns(**{name: ""}), f"pictureColumns.{name} in body should be") for name in COLUMNS),
    ("column-too-long", columns(productId="c" * 129), "may not be more than 128 bytes"),
    ("column-unknown", columns(price="p"), 'unknown field "spec.source.table.pictureColumns.price"'),
    ("rule-unknown", ruled(productIdFrom="Path"), 'supported values: "FileName", "Folder", "BeforeSeparator"'),
    ("separator-empty", ruled(separator=""), "pictures.separator in body should be at least 1 chars long"),
    ("separator-too-long", ruled(separator="_" * 9), "may not be more than 8 bytes"),
    ("content-of-each-too-long", ruled(customContent="c" * 4097), "may not be more than 4096 bytes"),
    ("category-of-each-as-text", ruled(categoryId="0"), AN_INTEGER),
    ("number-of-each-as-text", ruled(intAttr="0"), AN_INTEGER),
    ("text-of-each-with-a-percentage", ruled(strAttr="50%"), A_STR_ATTR),
    ("crop-of-each-as-text", ruled(crop="no"), 'must be of type boolean: "string"'),
    ("region-of-each", ruled(region="1,2,3,4"), 'unknown field "spec.source.prefix.pictures.region"'),
    ("whole-products-as-text", {"allowWholeProductDelete": "yes"}, 'must be of type boolean: "string"'),
    ("replacement-as-text", {"allowManifestReplace": "yes"}, 'must be of type boolean: "string"'),
]
EVERYTHING = GIRL | {"categoryId": 0, "intAttr": -1, "strAttr": "rot", "crop": False, "region": "20,40,60,80"}
GOOD: list[tuple[str, Spec]] = [
    ("picture", of()),
    (
        "pictures-with-everything",
        shop({"pictures": [EVERYTHING | {"operation": "ADD"}]}, path="spring/2026/")
        | {"allowWholeProductDelete": True, "allowManifestReplace": True},
    ),
    ("delete-of-a-picture", without("customContent", operation="DELETE")),
    ("delete-of-a-product", shop({"pictures": [{"productId": "1005", "operation": "DELETE"}]})),
    (
        "picture-at-its-bounds",
        of(
            productId="p" * 256, picName="n" * 252 + ".jpg", strAttr="s" * 128, customContent="c" * 4096,
            categoryId=MOST, intAttr=LEAST, region=",".join(["999999999"] * 4),
        ),
    ),
    ("content-that-is-empty", of(customContent="", strAttr="")),
    ("names-in-another-script", of(productId="裙子 ½", picName="裙子/红 色.2.JPG", customContent="红色😀")),
    ("shortest-instance", shop(instanceName="A")),
    ("longest-instance", shop(instanceName="0_-" + "z" * 17)),
    ("longest-path", shop(path="p" * 511 + "/")),
    ("manifest-in-the-root", shop({"manifest": {"key": "increment.meta"}})),
    ("manifest-in-an-empty-path", shop({"manifest": {"key": "increment.meta"}}, path="")),
    ("manifest-in-a-folder", shop({"manifest": {"key": "a/b c/increment.meta"}}, path="a/b c/")),
    ("two-hundred-pictures", of(*[GIRL | {"customContent": "c" * 1000}] * 199)),
    ("picture-table", columns()),
    ("picture-table-with-everything", columns(**{name: f"Spalte {name}" for name in COLUMNS})),
    ("pictures-below-a-prefix", listed()),
    (
        "pictures-below-a-prefix-with-everything",
        shop(
            {
                "prefix": {
                    "bucket": "my-photos", "prefix": "spring/new", "include": ["**/*.jpg"], "operation": "ADD",
                    "pictures": {
                        "productIdFrom": "BeforeSeparator", "separator": "--", "customContent": "c",
                        "categoryId": 88888888, "intAttr": 1, "strAttr": "rot", "crop": True,
                    },
                }
            },
            path="spring/",
        ),
    ),
    ("products-by-folder", ruled(productIdFrom="Folder")),
    ("permissions-of-a-dataset", {"allowWholeProductDelete": False, "allowManifestReplace": False}),
]  # fmt: skip
MUTABLE: list[tuple[str, str, Spec, Spec]] = [
    ("BatchImport", "from-dataset-to-instance", {}, of()),
    ("BatchImport", "from-instance-to-dataset", of(), {}),
    ("BatchImport", "instance-changed", of(), shop(instanceName="other")),
    ("BatchImport", "permission-given", of(), of() | {"allowWholeProductDelete": True, "allowManifestReplace": True}),
    ("BatchImport", "permission-taken", of() | {"allowWholeProductDelete": True, "allowManifestReplace": True}, of()),
    ("BatchImport", "path-and-manifest-moved", shop({"manifest": {"key": "increment.meta"}}),
     shop({"manifest": {"key": "a/increment.meta"}}, path="a/")),
]  # fmt: skip
