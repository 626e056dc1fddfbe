# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that notes what it is told to, and returns what it is told to."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        {
            "progress_file": {"type": "path"},
            "notes": {"type": "list", "elements": "str"},
            "seconds": {"type": "float", "default": 0.0},
            "msg": {"type": "str"},
            "fail": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if module.params["progress_file"]:
        with open(module.params["progress_file"], "a", encoding="utf-8") as handle:
            handle.write("".join(line + "\n" for line in module.params["notes"] or ()))
    time.sleep(module.params["seconds"])
    if module.params["fail"]:
        module.fail_json(msg=module.params["msg"])
    module.exit_json(msg=module.params["msg"])


if __name__ == "__main__":
    main()
