# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ansible side that the modules share: from options to a checked request, from errors to the task's result."""

from __future__ import annotations

import gc
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .._ecr.client import Repository, RepositoryT
from .._ecr.errors import EcrError
from .._ecr.records import EMPTY_BLOB, Layer
from .collection_info import COLLECTION_NAME, COLLECTION_VERSION
from .skeleton import input_skeleton, output_skeleton

Request = dict[str, t.Any]
Result = dict[str, t.Any]
Found = t.TypeVar("Found")


class EcrModule(AnsibleAWSModule):
    """A module of this collection: AnsibleAWSModule under the collection's own user agent."""

    def __init__(self, **kwargs: t.Any) -> None:
        # amazon.aws does not annotate its constructors.
        super().__init__(supports_check_mode=True, **kwargs)  # type: ignore[no-untyped-call, unused-ignore]
        set_collection_info(collection_name=COLLECTION_NAME, collection_version=COLLECTION_VERSION)

    def run(
        self,
        repository_class: type[RepositoryT],
        read: t.Callable[[EcrModule], Request],
        act: t.Callable[[EcrModule, RepositoryT, Request], Result],
    ) -> t.NoReturn:
        """Read and check the request, then act on it, and end the task.

        :param repository_class: has the operations that ``act`` needs
        :param read: returns the checked request in the API's spelling
        :param act: carries the request out, or predicts it in check mode, and returns the task's result
        """
        request: Request = {}
        try:
            request = read(self)
            repository = repository_class.connect(
                self, request["repositoryName"], request.get("registryId"), connections=self.params.get("parallel", 1)
            )
            # What boto3 has loaded lives as long as this process, which would look through it once more when it ends.
            gc.freeze()
            self.exit_json(**act(self, repository, request))
        except AnsibleAWSError as error:
            self.fail_json_aws_error(_named(error, request))

    def run_operation(
        self,
        operation: str,
        read: t.Callable[[EcrModule], Request],
        act: t.Callable[[EcrModule, Repository, Request], Result],
    ) -> t.NoReturn:
        """Run one operation of the API, or return its skeleton where the task asks for one."""
        skeleton = self.params["generate_cli_skeleton"]

        def read_unless_skeleton(module: EcrModule) -> Request:
            if skeleton == "input":
                module.exit_json(changed=False, cli_skeleton=input_skeleton(operation))
            request = read(module)
            if skeleton == "output":
                module.exit_json(changed=False, cli_skeleton=output_skeleton(operation))
            return request

        self.run(Repository, read_unless_skeleton, act)

    def layers(self, repository: Repository, digests: t.Sequence[str]) -> dict[str, Layer] | None:
        """Look layers up, or warn and return None when the caller may not.

        :raises EcrError: the look-up failed for another reason
        """
        return self.unless_denied(
            lambda: repository.layers(digests),
            f"The caller may not use ecr:BatchCheckLayerAvailability on {repository}, "
            "so what the registry has already is not known.",
        )

    def unless_denied(self, look: t.Callable[[], Found], warning: str | None = None) -> Found | None:
        """Return what a look-up finds, or warn and return None when the caller may not make it.

        :raises EcrError: the look-up failed for another reason
        """
        try:
            return look()
        except EcrError as error:
            if error.code != "AccessDeniedException":
                raise
        if warning:
            self.warn(warning)
        return None

    def look_for(self, repository: Repository) -> None:
        """Look whether the repository exists, by asking it for a layer that no registry has.

        :raises EcrError: there is no such repository, or the look-up failed for another reason
        """
        self.layers(repository, [EMPTY_BLOB])

    def fail_json_aws_error(self, exception: AnsibleAWSError) -> t.NoReturn:
        """End the task with the error's message, AWS's own error, and what is known of repository and upload."""
        result = dict(exception.kwargs)
        if exception.exception is None:
            self.fail_json(msg=exception.message, **result)
        if isinstance(exception, EcrError):
            result["error"] = {"code": exception.code, "message": str(exception.exception)}
        self.fail_json_aws(exception.exception, msg=exception.message, **result)


def _named(error: AnsibleAWSError, request: Request) -> AnsibleAWSError:
    """Let the error name what the request names, whichever call it is that failed."""
    if request:
        error.kwargs.setdefault("registry_id", request.get("registryId"))
        error.kwargs.setdefault("repository_name", request["repositoryName"])
    upload_id = request.get("uploadId")
    if upload_id is not None:
        error.kwargs.setdefault("upload_id", upload_id)
        if isinstance(error, EcrError) and upload_id not in error.description:
            error.description = f"Upload {upload_id}: {error.description}"
    return error
