# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry of expected calls: a boto3 client with botocore's Stubber."""

from __future__ import annotations

import typing as t

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.stub import Stubber


class StubbedRegistry:
    """Expects calls in the order in which they are added, checks their parameters, and returns the given answers."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "ecr",
            region_name="eu-west-1",
            aws_access_key_id="AKIAUNITTESTS",
            aws_secret_access_key="not-a-secret-0nly-for-unit-tests",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.stubber = Stubber(self.client)

    def answers(self, operation: str, expected: dict[str, t.Any], **response: t.Any) -> None:
        self.stubber.add_response(xform_name(operation), response, expected)

    def refuses(
        self,
        operation: str,
        expected: dict[str, t.Any],
        code: str,
        status: int = 400,
        modeled_fields: dict[str, t.Any] | None = None,
    ) -> None:
        self.stubber.add_client_error(
            xform_name(operation),
            service_error_code=code,
            service_message=f"the registry's own words on {code}",
            http_status_code=status,
            expected_params=expected,
            modeled_fields=modeled_fields,
        )

    def has(
        self,
        repository: str,
        available: t.Sequence[str] = (),
        absent: t.Sequence[str] = (),
        size: int | None = 7,
    ) -> None:
        """Expect one look-up of these digests, available ones first, and answer it.

        :param size: the size of those that are available, None if the registry does not report it
        """
        self.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": repository, "layerDigests": [*available, *absent]},
            layers=[
                {
                    "layerDigest": digest,
                    "layerAvailability": "AVAILABLE",
                    "mediaType": "application/x-layer",
                    **({"layerSize": size} if size is not None else {}),
                }
                for digest in available
            ],
            failures=[
                {"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": "not there"}
                for digest in absent
            ],
        )
