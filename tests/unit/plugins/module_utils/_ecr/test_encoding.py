# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenSSL and binascii encode the same, and one stands in for the other."""

from __future__ import annotations

import base64
import ctypes
import math
import mmap
import random
import sys
import types
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import encoding
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.encoding import (
    SPARE_BYTES,
    base64_size,
    encode,
    openssl,
    with_binascii,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import BLOCK_SIZE

# The bytes of one block of base64, and of one piece that binascii encodes.
RAW_BLOCK, PIECE = BLOCK_SIZE // 4 * 3, 48 * 1024
LENGTHS = sorted({*range(1, 8), *(size + step for size in (PIECE, RAW_BLOCK, 3 * PIECE) for step in range(-3, 4))})
CONTENT = random.Random(7).randbytes(max(LENGTHS))
GUARD = b"\xa5" * 16


@pytest.fixture
def chosen_anew() -> t.Iterator[None]:
    """Choose the encoder again in the test, and after it."""
    encoding._chosen.cache_clear()
    yield
    encoding._chosen.cache_clear()


def by_openssl() -> encoding.Encode:
    encoder = openssl()
    assert encoder is not None
    return encoder


ENCODERS = [pytest.param(by_openssl, id="openssl"), pytest.param(lambda: with_binascii, id="binascii")]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("length", LENGTHS)
def test_encoders_make_the_same_bytes_and_write_no_further(
    encoder: t.Callable[[], encoding.Encode], length: int
) -> None:
    expected = base64.b64encode(CONTENT[:length])
    for raw in (CONTENT[:length], memoryview(bytearray(CONTENT))[:length]):
        buffer = bytearray(len(expected) + SPARE_BYTES) + GUARD
        assert encoder()(raw, memoryview(buffer)) == len(expected) == base64_size(length)
        assert buffer[: len(expected)] == expected
        assert buffer[len(expected) + SPARE_BYTES :] == GUARD


@pytest.mark.parametrize("encoder", ENCODERS)
def test_no_byte_between_two_blocks_is_touched(encoder: t.Callable[[], encoding.Encode]) -> None:
    # The second of a buffer's two halves begins where the spare byte of the first ends.
    size = base64_size(999) + SPARE_BYTES
    buffer = memoryview(mmap.mmap(-1, 2 * size))
    encoder()(CONTENT[999:1998], buffer[size:])
    encoder()(CONTENT[:999], buffer[:size])
    assert buffer[size : 2 * size - SPARE_BYTES] == base64.b64encode(CONTENT[999:1998])


@pytest.mark.parametrize("length", [0, 1, 2, 3, 1000])
def test_buffer_without_room_for_the_spare_byte_is_refused(length: int) -> None:
    buffer = bytearray(base64_size(length))
    with pytest.raises(ValueError, match=f"{length} bytes do not fit"):
        encode(CONTENT[:length], memoryview(buffer))
    assert not any(buffer)


def test_nothing_is_encoded_as_nothing() -> None:
    assert encode(b"", memoryview(bytearray(1))) == 0


@pytest.mark.usefixtures("chosen_anew")
class TestChoice:
    def test_openssl_is_used_where_python_has_it(self) -> None:
        assert encoding._chosen() is not with_binascii

    def encodes_with_binascii(self) -> bool:
        buffer = bytearray(8 + SPARE_BYTES)
        assert encode(b"layers", memoryview(buffer)) == 8
        assert buffer[:8] == b"bGF5ZXJz"
        return encoding._chosen() is with_binascii

    @pytest.mark.parametrize("missing", ["_hashlib", "ctypes"])
    def test_python_without_the_module(self, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, missing, None)
        assert self.encodes_with_binascii()

    @pytest.mark.parametrize("file", [None, math.__file__, "/nowhere/_hashlib.so"], ids=["static", "another", "absent"])
    def test_library_without_the_function(self, file: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        module = types.ModuleType("_hashlib")
        if file:
            module.__file__ = file
        monkeypatch.setitem(sys.modules, "_hashlib", module)
        assert self.encodes_with_binascii()

    @pytest.mark.parametrize("flaw", ["another alphabet", "a wrong size", "bytes behind the spare one", "no padding"])
    def test_function_that_does_something_else(self, flaw: str, monkeypatch: pytest.MonkeyPatch) -> None:
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)

        def encode_block(target: int, source: int, size: int) -> int:
            text = base64.b64encode(ctypes.string_at(source, size), b"-_" if flaw == "another alphabet" else None)
            text = text.rstrip(b"=") if flaw == "no padding" else text
            behind = b"\0\0" if flaw == "bytes behind the spare one" else b"\0"
            ctypes.memmove(target, text + behind, len(text + behind))
            return len(text) + (flaw == "a wrong size")

        class Library:
            EVP_EncodeBlock = prototype(encode_block)

        monkeypatch.setattr(ctypes, "CDLL", lambda _path: Library)
        assert self.encodes_with_binascii()
