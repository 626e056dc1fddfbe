# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the documentation site; the session docs_site of noxfile.py runs it on a copy of the checkout.

The pages are where they are in the repository, so that their links mean the same here and on the forge. Those of the
plugins are written below ``reference`` beforehand, by antsibull-docs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent))
import contents

project = "mstr.migration"
copyright = "2026, the mstr.migration authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
master_doc = contents.ROOT_PAGE
html_theme = "alabaster"
html_theme_options = {"fixed_sidebar": True, "page_width": "1100px", "sidebar_width": "260px"}
html_show_sphinx = False
html_copy_source = False
pygments_style = "ansible"
# Links to headings are checked: a link to one that is not there is a warning, and a warning is an error.
myst_heading_anchors = 4
nitpicky = True
default_role = "any"

# What antsibull-docs names of Ansible's own documentation, which is not fetched to look it up.
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ELSEWHERE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def elsewhere(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve a reference into Ansible's own documentation; None for any other."""
    page = ELSEWHERE.get(node.get("reftarget"))
    return None if page is None else nodes.reference("", "", content, refuri=ANSIBLE + page, internal=False)


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("missing-reference", elsewhere)
