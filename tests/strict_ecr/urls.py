# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where moto finds the responses of the strict backend, in moto's own form."""

from __future__ import annotations

from moto.ecr.urls import url_bases as url_bases

from .responses import StrictECRResponse

url_paths = {"{0}/$": StrictECRResponse.dispatch}
