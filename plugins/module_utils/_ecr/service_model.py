# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service model of Amazon ECR, as botocore ships it.

Source: botocore's ``data/ecr/2015-09-21/service-2.json``, the machine-readable form of
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import typing as t
from functools import cache

try:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

if t.TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

SERVICE = "ecr"
Entry = t.TypeVar("Entry")


@cache
def _service_model() -> ServiceModel:
    loader = Loader()
    # The file that the client uses. load_service_model() would search the files of all four hundred services first.
    version = loader.determine_latest_version(SERVICE, "service-2")
    return ServiceModel(loader.load_data(f"{SERVICE}/{version}/service-2"), SERVICE)


def operation_model(operation: str) -> OperationModel:
    """Return the model of an operation, such as ``CompleteLayerUpload``."""
    return _service_model().operation_model(operation)


def knows_operation(operation: str) -> bool:
    """Return whether this version of botocore has an operation."""
    return operation in _service_model().operation_names


def input_shape(operation: str) -> StructureShape:
    """Return the shape of an operation's request: its members, bounds and patterns."""
    return t.cast("StructureShape", operation_model(operation).input_shape)


def output_shape(operation: str) -> StructureShape:
    """Return the shape of an operation's response."""
    return t.cast("StructureShape", operation_model(operation).output_shape)


def repository_shapes() -> dict[str, Shape]:
    """Return the shapes of the members that name a repository, by the members' names."""
    members = input_shape("BatchGetImage").members
    return {member: members[member] for member in ("registryId", "repositoryName")}


def upload_id_shape() -> Shape:
    """Return the shape of an upload's id."""
    return input_shape("CompleteLayerUpload").members["uploadId"]


def error_shape(code: str) -> StructureShape | None:
    """Return the shape of an error of the service, None if the model does not list it."""
    # The annotation of the stubs is wrong: codes are strings.
    return t.cast("StructureShape | None", _service_model().shape_for_error_code(t.cast(t.Any, code)))


def dns_suffix(partition: str) -> str:
    """Return the domain of a partition's services, such as ``amazonaws.com`` for ``aws``."""
    return next(str(entry["outputs"]["dnsSuffix"]) for entry in _partitions() if entry["id"] == partition)


def is_known_region(region: str) -> bool:
    """Return whether botocore knows an AWS region of this name."""
    return any(region in entry["regions"] for entry in _partitions())


def most_like_region(region: str) -> str:
    """Return the name of the AWS region that a name is most like, if it is like one at all."""
    # Python compiles a file in every task that imports it, and few tasks name another region.
    import difflib

    names = [name for entry in _partitions() for name in entry["regions"]]
    return next(iter(difflib.get_close_matches(region.lower(), names, 1)), "eu-west-1")


@cache
def _partitions() -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", Loader().load_data("partitions")["partitions"])


def batches(operation: str, member: str, entries: t.Sequence[Entry]) -> t.Iterator[t.Sequence[Entry]]:
    """Yield the entries in lists as long as the operation accepts."""
    size = largest(operation, member)
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def largest(operation: str, member: str) -> int:
    """Return the upper bound of a request member: entries of a list, characters of a string, bytes of a blob."""
    return int(input_shape(operation).members[member].metadata["max"])
