# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a list that the registry answers in pages, however small they are."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .answers import UnreadableAnswerError, needed
from .errors import AnswerError

if t.TYPE_CHECKING:
    from .answers import Response
    from .call import Call

Entry = t.TypeVar("Entry")

# A page has up to 1000 images, and a repository at most some 100 000, but a registry may answer smaller pages.
MAX_PAGES = 10_000


@dataclass(frozen=True)
class Page(t.Generic[Entry]):
    """One page of a list; ``next_token`` leads to the next one, None on the last."""

    entries: tuple[Entry, ...]
    next_token: str | None

    @classmethod
    def from_response(
        cls,
        response: Response,
        member: str,
        read: t.Callable[[t.Mapping[str, t.Any]], Entry],
        used_tokens: t.Container[str],
    ) -> Page[Entry]:
        """Return an answer whose ``member`` is the list.

        :param used_tokens: the tokens of the pages so far
        """
        next_token = response.get("nextToken") or None
        if next_token in used_tokens:
            raise UnreadableAnswerError("nextToken leads back to a page that was read before")
        return cls(tuple(map(read, needed(response, member))), next_token)


def all_entries(call: Call, ask: t.Callable[[dict[str, str], t.Container[str]], Page[Entry]]) -> t.Iterator[Entry]:
    """Yield the entries of all pages.

    :param call: what is called for each page
    :param ask: requests a page; receives the members of the request that choose the page, and the tokens used so far
    :raises EcrError: a page failed, or there are more than MAX_PAGES
    """
    used_tokens: set[str] = set()
    chosen: dict[str, str] = {}
    for _page in range(MAX_PAGES):
        page = ask(chosen, used_tokens)
        yield from page.entries
        if page.next_token is None:
            return
        used_tokens.add(page.next_token)
        chosen = {"nextToken": page.next_token}
    raise AnswerError(call, f"The registry does not end the list. {MAX_PAGES} pages were read", "Run the task again")
