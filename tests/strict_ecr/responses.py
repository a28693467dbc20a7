# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""moto's ECR responses, which check every request before it reaches the backend."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.ecr.models import Image, ecr_backends
from moto.ecr.responses import ECRResponse

from .exceptions import invalid_parameter
from .listing import detail_of, has_tag_status, page_of
from .models import StrictECRBackend
from .referrers import DEFAULT_RESULTS, referrers_of, remove_orphans
from .request_check import check_request

# The key of the parsed JSON document in the WSGI environment; the gate sets it.
DOCUMENT = "strict_ecr.document"


class StrictECRResponse(ECRResponse):
    """One request and its answer."""

    # Without it, moto decodes a body of 14 MB and searches it for form fields.
    use_raw_body = True

    def __init__(self) -> None:
        super().__init__()
        # Without it, moto parses the body once for each parameter.
        self.automated_parameter_parsing = True

    @property
    def ecr_backend(self) -> StrictECRBackend:
        """The backend of the region in the account that the request names, or else in the caller's."""
        registry_id = self.params.get("registryId")
        if not isinstance(registry_id, str) or not re.fullmatch("[0-9]{12}", registry_id):
            registry_id = self.current_account
        return cast("StrictECRBackend", ecr_backends[registry_id][self.region])

    def parse_parameters(self, request: Request) -> None:
        """Use the document that the gate has parsed; call_action checks it."""
        self.params: dict[str, Any] = request.environ[DOCUMENT]

    def call_action(self) -> TYPE_RESPONSE:
        """Check the request and let moto call the method of the operation."""
        backend = self.ecr_backend
        try:
            self.params = check_request(self._get_action(), self.params)
            with backend.lock:
                self._require_repository(backend)
                return super().call_action()
        except ServiceException as error:
            return self.serialized(ActionResult(error))

    def _require_repository(self, backend: StrictECRBackend) -> None:
        name = self.params.get("repositoryName")
        if name is not None and self._get_action() != "CreateRepository":
            backend.require_repository(name, self.params.get("registryId"))

    def batch_get_image(self) -> ActionResult:
        """Answer BatchGetImage; moto ignores the accepted media types."""
        return ActionResult(
            self.ecr_backend.batch_get_image(
                self.params["repositoryName"],
                self.params.get("registryId"),
                self.params["imageIds"],
                self.params.get("acceptedMediaTypes"),
            )
        )

    def describe_images(self) -> ActionResult:
        """Answer DescribeImages; moto ignores the filter and has no pages and no status."""
        image_ids, tag_status = self.params.get("imageIds"), self.params.get("filter", {}).get("tagStatus", "ANY")
        if image_ids and {"maxResults", "nextToken"} & self.params.keys():
            raise invalid_parameter("maxResults", "must not be given with imageIds")
        found = [image for image in self._images(image_ids) if has_tag_status(image, tag_status)]
        if image_ids:
            return ActionResult({"imageDetails": [detail_of(image) for image in found]})
        return self._page("imageDetails", [detail_of(image) for image in found])

    def list_images(self) -> ActionResult:
        """Answer ListImages; moto ignores the status of the filter and has no pages."""
        tag_status = self.params.get("filter", {}).get("tagStatus", "ANY")
        ids = [
            {"imageDigest": image.image_digest, **({"imageTag": tag} if tag else {})}
            for image in self._images(None)
            for tag in image.image_tags or [""]
            if has_tag_status(image, tag_status)
        ]
        return self._page("imageIds", ids)

    def list_image_referrers(self) -> ActionResult:
        """Answer ListImageReferrers, which moto does not have."""
        name, subject = self.params["repositoryName"], self.params["subjectId"]["imageDigest"]
        repository = self.ecr_backend.require_repository(name, self.params.get("registryId"))
        self.params.setdefault("maxResults", DEFAULT_RESULTS)
        return self._page("referrers", referrers_of(repository, subject, self.params.get("filter", {})))

    def batch_delete_image(self) -> ActionResult:
        """Answer BatchDeleteImage. What refers to an image goes with it, which takes the service up to a day."""
        name, registry_id = self.params["repositoryName"], self.params.get("registryId")
        repository = self.ecr_backend.require_repository(name, registry_id)
        before = {image.image_digest for image in repository.images}
        answer = self.ecr_backend.batch_delete_image(name, registry_id, self.params["imageIds"])
        if self.ecr_backend.rulebook.of(name).removes_orphans:
            remove_orphans(repository, before - {image.image_digest for image in repository.images})
        return ActionResult(answer)

    def _page(self, member: str, entries: list[dict[str, Any]]) -> ActionResult:
        max_page = self.ecr_backend.rulebook.of(self.params["repositoryName"]).max_page
        page, token = page_of(entries, self.params.get("nextToken"), self.params.get("maxResults"), max_page)
        return ActionResult({member: page, **({"nextToken": token} if token else {})})

    def _images(self, image_ids: list[dict[str, Any]] | None) -> list[Image]:
        status = self.params.get("filter", {}).get("imageStatus", "ACTIVE")
        name, registry_id = self.params["repositoryName"], self.params.get("registryId")
        return self.ecr_backend.images_of_status(name, registry_id, image_ids, status)

    def get_download_url_for_layer(self) -> ActionResult:  # type: ignore[override]  # moto's own only raises
        """Answer GetDownloadUrlForLayer, which moto does not implement."""
        called = urlsplit(self.uri)
        return ActionResult(
            self.ecr_backend.get_download_url_for_layer(
                self.params["repositoryName"], self.params["layerDigest"], f"{called.scheme}://{called.netloc}"
            )
        )
