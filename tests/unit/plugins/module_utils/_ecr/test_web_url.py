# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of servers and proxies."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.web_url import fault_in, masked, proxy_for


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://user:canary@[x:3128", "it is not a URL"),
        ("socks5://user:canary@proxy:1080", "its scheme is not https or http"),
        ("http://user:canary@proxy:99999", "its port is not a number from 1 to 65535"),
        ("http://user:canary/@proxy:3128", "its port is not a number from 1 to 65535"),
        ("http://user:canary@proxy:0", "its port is 0"),
        ("http://user:canary@a proxy:3128", "its host is not a name or an address"),
        ("http://user:canary@\u00e4..test:3128", "its host is not a name or an address"),
        ("http://", "its host is not a name or an address"),
    ],
)
def test_url_that_nothing_can_be_sent_to(url: str, fault: str) -> None:
    assert fault_in(url) == fault


@pytest.mark.parametrize(
    "url", ["http://proxy", "https://user:p%40ss@proxy.test.:3128/", "http://[::1]:3128", "http://pr\u00fcfer.test"]
)
def test_url_that_something_can_be_sent_to(url: str) -> None:
    assert fault_in(url) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://user:canary@proxy:3128", "http://***:***@proxy:3128"),
        ("http://canary@proxy", "http://***@proxy"),
        ("http://user:can@ry@proxy", "http://***:***@proxy"),
        ("http://user:can/ary@proxy", "http://***:***@proxy"),
        ("http://socks5://user:canary@proxy", "http://socks5://***:***@proxy"),
        ("http://user:canary@[x", "http://***:***@[x"),
        ("user:canary@proxy", "***:***@proxy"),
    ],
)
def test_user_and_password_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("proxies", "proxy"),
    [
        ({"https": "proxy:3128"}, "http://proxy:3128"),
        ({"https": "//proxy:3128"}, "http://proxy:3128"),
        ({"https": "https://proxy"}, "https://proxy"),
        ({"http": "http://proxy"}, None),
        ({"https": ""}, None),
    ],
)
def test_proxy_is_that_of_the_scheme(proxies: dict[str, str], proxy: str | None) -> None:
    assert proxy_for("https://ecr.test/", proxies) == proxy
