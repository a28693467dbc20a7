# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of servers and proxies: what cannot be right in one, and how a message shows it."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

try:
    from botocore.utils import get_environ_proxies
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

SCHEMES = ("https", "http")
# A name of labels, or an IPv6 address.
_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


def fault_in(url: str, schemes: t.Collection[str] = SCHEMES) -> str | None:
    """Return why no request can be sent to a URL or through it: a clause without its period; None if it can be.

    The clause quotes nothing, because Python takes a part of some passwords for the port.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in schemes:
        return f"its scheme is not {' or '.join(schemes)}"
    try:
        if parts.port == 0:
            return "its port is 0"
    except ValueError:
        return "its port is not a number from 1 to 65535"
    return None if _HOST.fullmatch(parts.hostname or "") else "its host is not a name or an address"


def masked(url: str) -> str:
    """Return a URL without the user and the password in it. It can be one that cannot be used."""
    scheme, slashes, rest = url.rpartition("://")
    user, at, place = rest.rpartition("@")
    mask = "***:***" if ":" in user else "***"
    return f"{scheme}{slashes}{mask}{at}{place}" if at else url


def proxy_for(url: str, configured: t.Mapping[str, str] | None) -> str | None:
    """Return the URL of the proxy in force for a URL, with its password; None if there is none.

    :param configured: the proxies of botocore's Config, None for those of the environment
    """
    proxies = get_environ_proxies(url) if configured is None else configured
    proxy = proxies.get(urlsplit(url).scheme)
    if not proxy:
        return None
    # botocore completes it in the same way.
    return proxy if "://" in proxy else f"http://{proxy.lstrip('/')}"
