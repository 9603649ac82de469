"""Checks the parameters of a request against a schema, with the words of PVE::JSONSchema or of PBS's own. The
schemas themselves stand beside the calls they belong to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.upid import RemoteType

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE = ("1", "on", "yes", "true")
_FALSE = ("0", "off", "no", "false")
_STATUSES = ("ok", "error", "warning", "unknown")

ParameterKind = Literal["integer", "boolean", "string", "statuses"]


class ParameterErrors(Exception):
    """Parameters that a call does not take: `errors` says what is wrong with which."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a call; `statuses` is a list of the four classes of final statuses."""

    kind: ParameterKind
    minimum: int | None = None
    choices: tuple[str, ...] = ()
    required: bool = False


class Checked:
    """Parameters that have been checked."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        """A string, None if it was left out."""
        values = self._values.get(name)
        return values[-1] if values else None

    def integer(self, name: str) -> int | None:
        """An integer, None if it was left out."""
        text = self.text(name)
        return None if text is None else int(text)

    def flag(self, name: str) -> bool:
        """A boolean, False if it was left out."""
        text = self.text(name)
        return text is not None and text.lower() in _TRUE

    def statuses(self, name: str) -> frozenset[str] | None:
        """A list of status classes, None if it was left out."""
        values = self._values.get(name)
        return None if values is None else frozenset(part for value in values for part in _split(value))


def check(type: RemoteType, schema: Mapping[str, Parameter], given: Mapping[str, list[str]]) -> Checked:
    """What was given, if the schema takes it. Raises ParameterErrors."""
    words = _pve_error if type == "pve" else _pbs_error
    errors = {}
    for name, values in given.items():
        parameter = schema.get(name)
        if parameter is None:
            errors[name] = (
                "property is not defined in schema and the schema does not allow additional properties"
                if type == "pve"
                else "schema does not allow additional properties."
            )
            continue
        for value in values:
            error = words(parameter, value)
            if error is not None:
                errors[name] = error
    for name, parameter in schema.items():
        if parameter.required and name not in given:
            errors[name] = (
                "property is missing and it is not optional" if type == "pve" else "parameter is missing"
            )
    if errors:
        raise ParameterErrors(errors)
    return Checked(given)


def _pve_error(parameter: Parameter, value: str) -> str | None:
    if parameter.kind == "integer":
        if _INTEGER.fullmatch(value) is None:
            return f"type check ('integer') failed - got '{value}'"
        if parameter.minimum is not None and int(value) < parameter.minimum:
            return f"value must have a minimum value of {parameter.minimum}"
    elif parameter.kind == "boolean":
        if value.lower() not in (*_TRUE, *_FALSE):
            return f"type check ('boolean') failed - got '{value}'"
    elif parameter.kind == "statuses":
        for one in _split(value):
            if one not in _STATUSES:
                return f"invalid format - invalid status '{one}'\n"
    if parameter.choices and value not in parameter.choices:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(parameter.choices)}'"
    return None


def _pbs_error(parameter: Parameter, value: str) -> str | None:
    if parameter.kind == "integer":
        if _INTEGER.fullmatch(value) is None:
            return "unable to parse integer - invalid digit found in string"
        if parameter.minimum is not None and int(value) < parameter.minimum:
            return f"value must have a minimum value of {parameter.minimum} (got {value})"
    elif parameter.kind == "boolean":
        if value.lower() not in (*_TRUE, *_FALSE):
            return "unable to parse boolean"
    elif parameter.kind == "statuses" and value not in _STATUSES:
        return f"value '{value}' is not defined in the enumeration."
    return None


def _split(value: str) -> list[str]:
    """A list as PVE::Tools::split_list reads it; a single value is a list of one."""
    return [part for part in re.split(r"[,;\s\0]+", value) if part]
