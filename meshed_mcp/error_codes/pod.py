"""Options of pods: labels, volumes, service accounts, the overlay and transforms."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "pod")

POD_FIELD_UNKNOWN: Final = code("MM0340")
POD_FIELD_TYPE: Final = code("MM0341")
POD_FIELD_CHOICE: Final = code("MM0342")
POD_FIELD_MISSING: Final = code("MM0343")
OVERLAY_OWNED: Final = code("MM0344")
VOLUME_WITHOUT_MOUNT: Final = code("MM0345")
MOUNT_WITHOUT_VOLUME: Final = code("MM0346")
PATH_MOUNTED_TWICE: Final = code("MM0347")
MOUNT_PATH_TAKEN: Final = code("MM0348")
MOUNT_PATH_NOT_ABSOLUTE: Final = code("MM0349")
VOLUME_NAME_TAKEN: Final = code("MM0350")
VOLUME_WITHOUT_ONE_TYPE: Final = code("MM0351")
GROUP_WITHOUT_WRITABLE_VOLUME: Final = code("MM0352")
CONTAINER_NAME_TAKEN: Final = code("MM0353")
WRITABLE_ROOT_WITHOUT_REASON: Final = code("MM0354")
RULE_WITH_WILDCARD: Final = code("MM0355")
RULES_WITHOUT_TOKEN: Final = code("MM0356")
API_SERVER_WITHOUT_TOKEN: Final = code("MM0357")
ANNOTATIONS_OF_EXISTING_ACCOUNT: Final = code("MM0358")
INVALID_METADATA_KEY: Final = code("MM0359")
INVALID_LABEL_VALUE: Final = code("MM0360")
OWNED_METADATA: Final = code("MM0361")
INVALID_EXTENDED_RESOURCE: Final = code("MM0362")
ACCOUNT_OF_TWO_SERVICES: Final = code("MM0363")
TRANSFORM_CHANGES_IDENTITY: Final = code("MM0364")
TRANSFORM_WITHOUT_OBJECT: Final = code("MM0365")
UNKNOWN_FIELD_OF_POD: Final = code("MM0367")
