# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base64, written into a buffer of the caller's.

OpenSSL encodes two to three times as fast as binascii and does not hold Python's lock. The libcrypto that Python's own
``_hashlib`` is linked with has the function, unless Python is linked statically or built without OpenSSL:
https://docs.openssl.org/master/man3/EVP_EncodeInit/.
"""

from __future__ import annotations

import binascii
import functools
import typing as t

Buffer = t.Union[bytes, memoryview]
# Encodes the first into the beginning of the second, and returns how many bytes of base64 that are.
Encode = t.Callable[[Buffer, memoryview], int]

# OpenSSL writes a NUL after the base64.
SPARE_BYTES = 1
# binascii returns a new object. More than 192 KiB at once are encoded half as fast.
_PIECE_SIZE = 48 * 1024
# With and without padding.
_PROBES = tuple(bytes(range(size)) for size in (254, 255, 256))
_GUARD = b"\xff" * 8


def base64_size(size: int) -> int:
    """Return how many bytes of base64 so many bytes become."""
    return 4 * ((size + 2) // 3)


def encode(raw: Buffer, buffer: memoryview) -> int:
    """Encode into the beginning of a buffer, and return how many bytes of base64 that are.

    :param raw: bytes, or a view of a buffer that can be written to
    :param buffer: has room for the base64 and ``SPARE_BYTES``, whose content is undefined afterwards
    :raises ValueError: the buffer is too small
    """
    if len(buffer) < base64_size(len(raw)) + SPARE_BYTES:
        raise ValueError(f"{len(raw)} bytes do not fit into a buffer of {len(buffer)} as base64")
    return _chosen()(raw, buffer) if len(raw) else 0


def with_binascii(raw: Buffer, buffer: memoryview) -> int:
    """Encode with binascii, piece by piece; parameters as of ``encode``."""
    end = 0
    for first in range(0, len(raw), _PIECE_SIZE):
        piece = binascii.b2a_base64(raw[first : first + _PIECE_SIZE], newline=False)
        buffer[end : end + len(piece)] = piece
        end += len(piece)
    return end


def openssl() -> Encode | None:
    """Return the encoder of OpenSSL, None if this Python has none or it does something else than binascii."""
    try:
        import _hashlib
        import ctypes

        function = ctypes.CDLL(_hashlib.__file__).EVP_EncodeBlock
    except (ImportError, AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    function.restype = ctypes.c_int

    def with_openssl(raw: Buffer, buffer: memoryview) -> int:
        source = raw if isinstance(raw, bytes) else ctypes.byref(ctypes.c_char.from_buffer(raw))
        return int(function(ctypes.byref(ctypes.c_char.from_buffer(buffer)), source, len(raw)))

    return with_openssl if all(_is_right(with_openssl, probe) for probe in _PROBES) else None


def _is_right(encoder: Encode, probe: bytes) -> bool:
    """Return whether an encoder does as binascii does, and writes at most the spare byte behind it."""
    expected = binascii.b2a_base64(probe, newline=False)
    buffer = bytearray(len(expected) + SPARE_BYTES) + _GUARD
    size = encoder(probe, memoryview(buffer))
    return size == len(expected) and buffer.startswith(expected) and buffer[size + SPARE_BYTES :] == _GUARD


@functools.cache
def _chosen() -> Encode:
    return openssl() or with_binascii
