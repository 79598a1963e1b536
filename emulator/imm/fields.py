"""The fields of the vendor's `File` and how a query may use them.

Names: struct File of 2020-09-30. Operators: "Supported fields and operators" (help.aliyun.com/document_detail/2743991);
its per-field table could not be read, so which operator suits which field follows from the field's type: assumed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

FieldType = Literal["text", "number", "time", "labels", "user_meta", "tags", "objects", "texts"]

_TEXT = """
AccessControlAllowOrigin AccessControlRequestMethod Album AlbumArtist Artist CacheControl Composer ContentDisposition
ContentEncoding ContentLanguage ContentMd5 ContentType CustomId DatasetName ETag EXIF FileHash Filename FormatLongName
FormatName Language LatLong MediaType OCRTexts OSSCRC64 OSSDeleteMarker OSSObjectType OSSStorageClass OSSURI
OSSVersionId ObjectACL ObjectId ObjectStatus ObjectType OwnerId Performer ProjectName Reason ServerSideDataEncryption
ServerSideEncryption ServerSideEncryptionCustomerAlgorithm ServerSideEncryptionKeyId Timezone Title TravelClusterId URI
"""
_NUMBER = """
Bitrate Duration FigureCount ImageHeight ImageWidth OSSTaggingCount Orientation PageCount ProgramCount Size StartTime
StreamCount VideoHeight VideoWidth
"""
_TIME = "CreateTime FileAccessTime FileCreateTime FileModifiedTime OSSExpiration ProduceTime UpdateTime"
_OBJECTS = """
Addresses AudioCovers AudioStreams CroppingSuggestions Elements Figures ImageScore Insights Labels OCRContents
SceneElements Subtitles VideoStreams
"""

FILE_FIELDS: dict[str, FieldType] = {
    **dict.fromkeys(_TEXT.split(), "text"),
    **dict.fromkeys(_NUMBER.split(), "number"),
    **dict.fromkeys(_TIME.split(), "time"),
    **dict.fromkeys(_OBJECTS.split(), "objects"),
    "CustomLabels": "labels",
    "OSSUserMeta": "user_meta",
    "OSSTagging": "tags",
    "SemanticTypes": "texts",
}
MAPS = frozenset({"labels", "user_meta", "tags"})


@lru_cache(maxsize=1024)
def type_of(field: str) -> FieldType | None:
    """The type of a field as a query writes it (`Size`, `CustomLabels.category`, `Labels.LabelName`), None if unknown.

    A member of an array of structures is `objects`: its values carry their own types.
    """
    name, dot, member = field.partition(".")
    kind = FILE_FIELDS.get(name)
    if kind is None or bool(member) != bool(dot):
        return None
    if not dot:
        return kind
    return kind if kind in MAPS or kind == "objects" else None
