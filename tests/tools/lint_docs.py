# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the documentation of the collection in the current directory with antsibull-docs.

antsibull-docs writes the name of a temporary directory into the reStructuredText that it checks, where a word that ends
with an underscore is a reference. Python makes such a name one time in 37: here it makes none.
"""

from __future__ import annotations

import string
import sys
import tempfile
from typing import Any

from antsibull_docs.cli.antsibull_docs import run

# There is no public way to choose the names.
private: Any = tempfile
private._RandomNameSequence.characters = string.ascii_lowercase + string.digits
sys.exit(run(["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", "."]))
