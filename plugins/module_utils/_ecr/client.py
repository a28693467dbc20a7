# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ECR repository and the operations on its layers. This is the only file that talks to boto3.

Each method is one operation of https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html: it
takes and returns plain values, retries what is worth retrying, and raises EcrError.
"""

from __future__ import annotations

import contextlib
import gc
import typing as t

try:
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn, get_aws_connection_info

from .._core.task import is_waited_for, nobody_waits
from .errors import EcrError, EcrErrorHandler
from .records import Layer, listed
from .retry import with_retries
from .service_model import SERVICE, batches

if t.TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

Response = dict[str, t.Any]
RepositoryT = t.TypeVar("RepositoryT", bound="Repository")

# botocore's own number of connections, which more threads than that would wait for.
_CONNECTIONS = 10


def _guarded(call: t.Callable[[], t.Any], description: str, **result: t.Any) -> t.Any:
    try:
        return EcrErrorHandler.common_error_handler(description)(call)()
    except EcrError as error:
        error.kwargs.update(result)
        raise


@contextlib.contextmanager
def _no_garbage_collected() -> t.Iterator[None]:
    """Let botocore read its models, in which no object is garbage, without a search for some: a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _counted_by_us(refused: ClientError) -> ClientError:
    # botocore is allowed one attempt a call, and says each time that it has reached its limit.
    metadata = t.cast("dict[str, t.Any]", refused.response.get("ResponseMetadata", {}))
    metadata.pop("MaxAttemptsReached", None)
    return type(refused)(refused.response, refused.operation_name)


class Repository:
    """A repository of a private registry.

    ``goes_on`` is asked before every attempt; no request is made once it says no.

    :param client: a boto3 client of the service ``ecr``
    :param name: the repository's name, without a registry host
    :param registry_id: the AWS account of the registry; None for the caller's own
    """

    def __init__(self, client: t.Any, name: str, registry_id: str | None = None) -> None:
        self._client = client
        self.name = name
        self.registry_id = registry_id
        self.goes_on: t.Callable[[], bool] = is_waited_for

    def __str__(self) -> str:
        return f"repository {self.name}" + (f" of registry {self.registry_id}" if self.registry_id else "")

    @classmethod
    def connect(
        cls: type[RepositoryT],
        module: AnsibleAWSModule,
        name: str,
        registry_id: str | None = None,
        connections: int = 1,
    ) -> RepositoryT:
        """Make the client that the module's options describe. Nothing is sent.

        :param connections: how many threads will use it
        :raises EcrError: no region, no such profile, or options that botocore refuses
        """
        # One attempt a call: a repetition that we do not see would make the next answer unreadable.
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=max(_CONNECTIONS, connections))

        def client() -> t.Any:
            region, endpoint, options = get_aws_connection_info(module)
            with _no_garbage_collected():
                # The function behind module.client(), which ends the task itself, without a word of the repository.
                return boto3_inventory_conn("client", SERVICE, region=region, endpoint=endpoint, config=once, **options)

        description = f"connect to Amazon ECR for repository {name}"
        try:
            connected = _guarded(client, description)
        except (TypeError, ValueError) as error:
            raise EcrError(
                f"Failed to {description}. An option of the connection is not accepted, check endpoint_url and "
                f"aws_config: {error}"
            ) from error
        return cls(connected, name, registry_id)

    def layers(self, digests: t.Iterable[str]) -> dict[str, Layer]:
        """Look the digests up with BatchCheckLayerAvailability, a hundred at a time.

        Returns one layer per distinct digest, in the order given. A digest that the registry lists as missing, or
        not at all, is UNAVAILABLE.

        :raises EcrError: the look-up failed, or the registry calls a digest malformed
        """
        wanted = list(dict.fromkeys(digests))
        found: dict[str, Layer] = {}
        for batch in batches("BatchCheckLayerAvailability", "layerDigests", wanted):
            response = self.call(
                "BatchCheckLayerAvailability",
                f"look up layers in {self}",
                layerDigests=batch,
            )
            self._refuse_malformed(response.get("failures", []))
            layers = (Layer.from_response(entry) for entry in response.get("layers", []))
            found.update((layer.digest, layer) for layer in layers)
        return {digest: found.get(digest, Layer(digest)) for digest in wanted}

    def _refuse_malformed(self, failures: t.Iterable[Response]) -> None:
        malformed = [entry["layerDigest"] for entry in failures if entry.get("failureCode") == "InvalidLayerDigest"]
        if malformed:
            raise EcrError(
                f"Failed to look up layers in {self}. The registry takes no such digest: {listed(malformed)}"
            )

    @property
    def region(self) -> str:
        """The AWS region of the registry."""
        return str(self._client.meta.region_name)

    @property
    def partition(self) -> str:
        """The AWS partition of the region, such as ``aws``."""
        return str(self._client.meta.partition)

    def initiate_upload(self) -> Response:
        """Open an upload with InitiateLayerUpload; every call opens another one."""
        return self.call("InitiateLayerUpload", f"open a layer upload in {self}")

    def upload_part(self, upload_id: str, first_byte: int, last_byte: int, blob: t.Sized) -> Response:
        """Send the bytes ``first_byte`` to ``last_byte``, both inclusive, with UploadLayerPart.

        :param blob: bytes, or what a handler of the client's events makes them of
        """
        response = self.call(
            "UploadLayerPart",
            f"send bytes {first_byte} to {last_byte} of upload {upload_id} to {self}",
            uploadId=upload_id,
            partFirstByte=first_byte,
            partLastByte=last_byte,
            layerPartBlob=blob,
        )
        received = response.get("lastByteReceived")
        if received != last_byte:
            raise EcrError(
                f"The registry has byte {received} as the last of upload {upload_id} to {self}, although byte "
                f"{last_byte} was sent: open a new upload with ecr_initiate_layer_upload",
                changed=True,
                registry_id=self.registry_id,
                repository_name=self.name,
                upload_id=upload_id,
            )
        return response

    def complete_upload(self, upload_id: str, digests: t.Sequence[str]) -> Response:
        """Close an upload with CompleteLayerUpload; the registry accepts it when any digest is the layer's."""
        return self.call(
            "CompleteLayerUpload",
            f"complete upload {upload_id} as {listed(digests)} in {self}",
            uploadId=upload_id,
            layerDigests=list(digests),
        )

    def call(
        self, operation: str, description: str, pace: t.Callable[[], None] | None = None, **members: t.Any
    ) -> Response:
        """Carry out an operation, and return the members of its answer.

        :param description: what is done, for the message of an error
        :param pace: waits until the next attempt may begin
        :param members: the request; the repository, unless it is named, and its registry are added
        :raises EcrError: no attempt succeeded
        :raises TaskError: nobody waits for the answer any more
        """
        request = members if "repositoryNames" in members else {"repositoryName": self.name, **members}
        result = {"repository_name": self.name}
        if "uploadId" in members:
            result["upload_id"] = members["uploadId"]
        if self.registry_id is not None:
            request["registryId"] = result["registry_id"] = self.registry_id
        failures: list[Exception] = []

        def attempt() -> t.Any:
            if not self.goes_on():
                raise nobody_waits()
            if pace:
                pace()
            try:
                return getattr(self._client, xform_name(operation))(**request)
            except ClientError as refused:
                failures.append(_counted_by_us(refused))
            except BotoCoreError as failure:
                failures.append(failure)
            raise failures[-1]

        try:
            response = _guarded(lambda: with_retries(attempt), description, **result)
        except EcrError as error:
            error.earlier_failures = tuple(failures[:-1])
            error.kwargs["attempts"] = len(failures)
            raise
        return {member: value for member, value in response.items() if member != "ResponseMetadata"}
