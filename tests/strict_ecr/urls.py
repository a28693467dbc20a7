# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URLs of the strict backend, in the form that moto expects."""

from __future__ import annotations

from moto.ecr import urls as moto_urls

from .responses import StrictECRResponse

url_bases = moto_urls.url_bases
url_paths = {"{0}/$": StrictECRResponse.dispatch}
