# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX refuses in surveys, and in answers to them.

From ``JobTemplateSurveySpec`` in ``awx/api/views/__init__.py``, and ``SurveyJobTemplateMixin`` in
``awx/main/models/mixins.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from awx_double.credentials import ENCRYPTED
from awx_double.refused import Refused

_QUESTIONS: dict[str, Any] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}
_CHOICES = ("multiplechoice", "multiselect")


def checked(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as it is kept.

    Args:
        given: What was sent.
        before: What is there.

    Raises:
        Refused: It is none.
    """
    spec = copy.deepcopy(dict(given))
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if name not in spec:
            raise Refused({"error": "Field '%s' is missing from survey spec." % name})
        if not isinstance(spec[name], kind):
            raise Refused({"error": "%s is to be of type %s." % (name, kind.__name__)})
    if not spec["spec"]:
        raise Refused({"error": "'spec' doesn't contain any items."})
    known = {question["variable"]: question for question in before.get("spec", [])}
    seen: set[str] = set()
    for index, question in enumerate(spec["spec"]):
        _check_question(index, question, seen)
        _keep_default(index, question, known.get(question["variable"], {}))
    return spec


def _check_question(index: int, question: Any, seen: set[str]) -> None:
    if not isinstance(question, dict):
        raise Refused({"error": "Survey question %d is not an object." % index})
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if name not in question:
            raise Refused({"error": "'%s' missing from survey question %d" % (name, index)})
        if not isinstance(question[name], kind):
            raise Refused({"error": "'%s' in survey question %d expected to be %s." % (name, index, kind.__name__)})
    if question["variable"] in seen:
        raise Refused({"error": "'variable' '%s' duplicated in survey question %d." % (question["variable"], index)})
    seen.add(question["variable"])
    if question["type"] not in _QUESTIONS:
        raise Refused({"error": "'%s' in survey question %d is not one of the allowed." % (question["type"], index)})
    default = question.get("default", "")
    if default != "" and not isinstance(default, _QUESTIONS[question["type"]]):
        raise Refused({"error": "Default value %s in survey question %d is of another type." % (default, index)})
    for name in ("min", "max"):
        if not isinstance(question.get(name), (int, type(None))):
            raise Refused({"error": "The %s of survey question %d is no integer." % (name, index)})
    if question["type"] in _CHOICES:
        _check_choices(index, question)


def _check_choices(index: int, question: dict[str, Any]) -> None:
    if "choices" not in question:
        raise Refused({"error": "Survey question %d of type %s must specify choices." % (index, question["type"])})
    for name in ("choices", "default"):
        if isinstance(question.get(name), str):
            # One a line, and no line is blank.
            question[name] = "\n".join(line for line in question[name].splitlines() if line.strip())
    defaults = question.get("default", "").splitlines()
    if question["type"] == "multiplechoice" and len(defaults) > 1:
        raise Refused({"error": "Survey question %d can have one default only." % index})
    if any(choice not in question["choices"] for choice in defaults):
        raise Refused({"error": "Default choice must be answered from the choices listed."})


def _keep_default(index: int, question: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Keep the default of a question that is sent back as it was shown."""
    if not str(question.get("default", "")).startswith(ENCRYPTED):
        return
    if question["type"] != "password" or not isinstance(before.get("default"), str):
        raise Refused({"error": "%s in survey question %d stands for no default." % (ENCRYPTED, index)})
    question["default"] = before["default"]


def shown(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as it is shown."""
    visible = copy.deepcopy(dict(spec))
    for question in visible.get("spec", []):
        if question["type"] == "password" and question.get("default"):
            question["default"] = ENCRYPTED
    return visible


def wrong_answers(spec: Mapping[str, Any], answers: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with answers to a survey; one that is missing is not."""
    found = []
    for question in spec.get("spec", []):
        if question["variable"] in answers:
            value = answers[question["variable"]]
            if not _is_answer(question, value):
                found.append("Value %s for '%s' is no answer." % (value, question["variable"]))
    return found


def _is_answer(question: Mapping[str, Any], value: Any) -> bool:
    kind = question["type"]
    if kind in _CHOICES:
        choices = question["choices"]
        listed = choices.splitlines() if isinstance(choices, str) else choices
        if kind == "multiplechoice":
            return value in listed
        return isinstance(value, list) and all(each in listed for each in value)
    if kind == "password" and value == ENCRYPTED:
        return True
    if not isinstance(value, _QUESTIONS[kind]) or isinstance(value, bool):
        return False
    size = len(value) if isinstance(value, str) else value
    lowest, highest = question.get("min"), question.get("max")
    return (lowest is None or size >= lowest) and (highest is None or size <= highest)
