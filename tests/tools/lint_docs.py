# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the documentation of the collection in the current directory with antsibull-docs.

antsibull-docs writes the name of a temporary directory into the reStructuredText that it checks. A name that ends with
an underscore would be a reference, and one name in 37 does. So allow no underscore in the names.
"""

from __future__ import annotations

import string
import sys
import tempfile
from typing import Any

from antsibull_docs.cli.antsibull_docs import run

# tempfile has no public option for this.
private: Any = tempfile
private._RandomNameSequence.characters = string.ascii_lowercase + string.digits
sys.exit(run(["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", "."]))
