# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's configuration of the documentation site, which tests/tools/docs.sh builds."""

from __future__ import annotations

import os
import typing as t

if t.TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "layerkit.ecr"
author = "layerkit.ecr contributors"
project_copyright = author
version = release = os.environ.get("COLLECTION_VERSION", "")
html_title = f"layerkit.ecr {release}".strip()

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
nitpicky = True

html_theme = "sphinx_rtd_theme"
html_theme_options = {"navigation_depth": 2, "collapse_navigation": False}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_use_index = False
html_copy_source = False

# Links to other collections and to Ansible. Without the network, the site has their names as text.
intersphinx_mapping = (
    {"ansible": ("https://docs.ansible.com/projects/ansible/latest/", None)} if os.environ.get("DOCS_ONLINE") else {}
)
OTHER_SITES = (
    "action_plugins",
    "ansible_collections.",
    "ansible_configuration_settings",
    "common_return_values",
    "guide_",
    "module_defaults",
)


def keep_as_text(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Show a reference to the documentation of another collection as text, if its site cannot be read."""
    target = str(node.get("reftarget", ""))
    if target.startswith("ansible_collections.layerkit.ecr."):
        return None
    return content if target.startswith(OTHER_SITES) else None


def setup(app: Sphinx) -> None:
    """Ask ``keep_as_text`` last."""
    app.connect("missing-reference", keep_as_text, priority=900)
