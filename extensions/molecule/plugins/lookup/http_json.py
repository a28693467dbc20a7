# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends a request to the server of the scenarios. The module uri would start a process for each of a hundred."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.urls import open_url
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: http_json
author: layerkit.ecr contributors
short_description: Sends an HTTP request, and returns the answer, which is JSON
description: [Fails if the status is not that of a success.]
options:
  _terms: {description: One URL., required: true}
  method: {description: The HTTP method., type: str, default: GET}
  headers: {description: More headers., type: dict, default: {}}
  body: {description: What is sent as JSON., type: raw}
"""


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **options: t.Any) -> list[t.Any]:
        """Return a list of the answer."""
        self.set_options(var_options=variables, direct=options)
        body = self.get_option("body")
        answer = open_url(
            terms[0],
            method=self.get_option("method"),
            headers=self.get_option("headers"),
            data=None if body is None else json.dumps(body),
            use_proxy=False,
        )
        return [json.loads(answer.read())]
