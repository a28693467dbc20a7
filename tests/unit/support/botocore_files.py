# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets botocore look at its own files once in a process: each run of a module creates clients, which look again."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from unittest import mock

import boto3
from botocore import hooks
from botocore.loaders import JSONFileLoader, Loader


@contextlib.contextmanager
def botocore_read_once() -> t.Iterator[None]:
    """Cache the data files, the list of the services, and the signatures and the names of event handlers."""
    parsed = functools.cache(JSONFileLoader().load_file)
    services = functools.cache(Loader().list_available_services)
    # The types of botocore lack what is private.
    private: t.Any = hooks
    # Each session has an aliaser of its own, with an empty cache.
    alias = private.EventAliaser(hooks.HierarchicalEmitter())._alias_event_name
    accepts_kwargs = hooks.accepts_kwargs
    signatures: dict[t.Any, t.Any] = {}

    def accepts(handler: t.Any) -> t.Any:
        # By the code, because a handler can hold its client.
        code = getattr(handler, "__code__", None)
        if code is None:
            return accepts_kwargs(handler)
        if code not in signatures:
            signatures[code] = accepts_kwargs(handler)
        return signatures[code]

    with (
        mock.patch.object(JSONFileLoader, "load_file", lambda _loader, path: parsed(path)),
        mock.patch.object(Loader, "list_available_services", lambda _loader, type_name: services(type_name)),
        mock.patch.object(hooks, "accepts_kwargs", accepts),
        mock.patch.object(private.EventAliaser, "_alias_event_name", lambda _aliaser, name: alias(name)),
    ):
        yield


def read_botocore() -> None:
    """Create a client, so that processes that are forked find all that is cached."""
    boto3.client("ecr", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none")
