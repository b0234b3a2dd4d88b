"""Reads the settings once, at the composition root, and says of each value where it came from.

Later wins: built-in defaults, one TOML file, the environment. The file is the one named by the caller, else by
`AURA_CONFIG`, else `configs/aura.toml` in the working folder, else the shipped one (which sets nothing: every key in
it is a comment). In the environment a key is `AURA_SECTION__KEY`; three names of the integration guide are short
forms. Nothing is guessed: a key, variable (`AURA_…`) or type that isn't known stops the start.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from .settings import Section, Settings, VirtualServer

DEFAULT = "default"
SHIPPED = Path(__file__).resolve().parent / "aura.toml"
SHORT_NAMES = {"AURA_RATE_LIMIT": "safety.rate_limit", "AURA_LOG_LEVEL": "system.log_level"}
"""Environment names of the integration guide, and the keys that they set."""
OTHER_NAMES = ("AURA_BACKEND_URL", "AURA_CONFIG", "AURA_TEST_STRICT", "AURA_TOKEN", "AURA_UPDATE_EXPECTED")
"""Environment names that set no key: a client's, and those of the project's tests."""
MASK = "********"

_DEFAULTS = Settings()
_FORMS = {"tuple_type": """'["a", "b"]' or '[{name = "a", port = 9300}]'""", "dict_type": "'{ml = 2}'"}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class SettingsError(Exception):
    """The settings can't be used; the text names file or variable, key, and what would be right.

    Attributes:
        problems: one sentence for each thing that is wrong.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force.

    Attributes:
        settings: the values.
        sources: for each key (`safety.rate_limit`), `default`, `file PATH` or `environment NAME`.
        file: the TOML file that was read.
        backend_url: the running system that clients talk to, where `AURA_BACKEND_URL` names one.
    """

    settings: Settings
    sources: dict[str, str]
    file: Path
    backend_url: str | None = None

    def shown(self) -> dict[str, Any]:
        """Every key with its value as JSON; secrets are masked."""
        return {key: masked(value) for key, value in leaves(self.settings)}


@dataclass(slots=True)
class _Draft:
    """Values gathered so far, as one nested mapping, and where each came from."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, key: str, value: Any, source: str) -> None:
        section, name = key.split(".", 1)
        self.values.setdefault(section, {})[name] = value
        self.sources[key] = source


def load(file: Path | None = None, *, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Loaded:
    """Read file and environment into frozen settings.

    Args:
        file: a TOML file to read; None looks where the module says.
        environ: the environment; None takes the process's.
        folder: the working folder; None takes the process's.

    Raises:
        SettingsError: a file that can't be read or parsed, an unknown key, or a value of the wrong type or range.
    """
    environ = os.environ if environ is None else environ
    path = find_file(file, environ, folder or Path.cwd())
    draft = _Draft()
    _read_file(path, draft)
    _read_environment(environ, draft)
    if draft.problems:
        raise SettingsError(draft.problems)
    try:
        # JSON's strictness fits TOML: text becomes a path and a whole number a float, but never text a number.
        settings = Settings.model_validate_json(json.dumps(draft.values, default=str), strict=True)
    except ValidationError as error:
        raise SettingsError([_explain(detail, draft.sources) for detail in error.errors()]) from None
    if problem := _beyond_loopback(settings):
        raise SettingsError([problem])
    sources = {key: draft.sources.get(key, DEFAULT) for key, _ in leaves(settings)}
    return Loaded(settings, sources, path, environ.get("AURA_BACKEND_URL") or None)


def find_file(file: Path | None, environ: Mapping[str, str], folder: Path) -> Path:
    """The TOML file that `load` reads, seen from `folder`."""
    named = file or (Path(environ["AURA_CONFIG"]) if environ.get("AURA_CONFIG") else None)
    if named is not None:
        return folder / named
    local = folder / "configs" / "aura.toml"
    return local if local.is_file() else SHIPPED


def leaves(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Each key of each section with its value, in the order of the sections."""
    for section, model in settings:
        for name, value in model:
            yield f"{section}.{name}", value


def keys() -> list[str]:
    """Every key there is, as `section.key`."""
    return [key for key, _ in leaves(_DEFAULTS)]


def masked(value: Any) -> Any:
    """`value` as JSON for people: secrets and the credentials inside URLs are replaced by asterisks."""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, BaseModel):
        return {name: masked(member) for name, member in value}
    if isinstance(value, Mapping):
        return {name: masked(member) for name, member in value.items()}
    if isinstance(value, tuple | list):
        return [masked(member) for member in value]
    if isinstance(value, Path | str):
        return _CREDENTIALS.sub(f"{MASK}@", str(value))
    return value


def _beyond_loopback(settings: Settings) -> str:
    """Listening to the world without asking who calls is refused."""
    host = settings.gateway.host
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if loopback or not settings.gateway.anonymous:
        return ""
    return (
        f"`gateway.host` is {host}, beyond loopback, while `gateway.anonymous` is true: anybody there could call. "
        'Set gateway.anonymous = false and make tokens with `aura token create`, or keep gateway.host = "127.0.0.1".'
    )


def _read_file(path: Path, draft: _Draft) -> None:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read ({error.strerror}). Correct --config or AURA_CONFIG."]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: is not valid TOML: {error}. Correct that line."]) from None
    sections = list(Settings.model_fields)
    for section, members in data.items():
        if section not in Settings.model_fields:
            kind = "section" if isinstance(members, dict) else "key"
            draft.problems.append(f"{path}: unknown {kind} `{section}`.{_nearest(section, sections)}")
        elif not isinstance(members, dict):
            draft.problems.append(f"{path}: `{section}` is a section; write `[{section}]` and its keys below it.")
        else:
            for name, value in members.items():
                _check_key(f"{section}.{name}", f"{path}: unknown key `{section}.{name}`.", draft)
                draft.put(f"{section}.{name}", value, f"file {path}")


def _read_environment(environ: Mapping[str, str], draft: _Draft) -> None:
    names = {_variable(key): key for key in keys()}
    set_names = sorted(name for name in environ if name.startswith("AURA_") and name not in OTHER_NAMES)
    # The long names come last, and so win over the short forms; an empty short form sets nothing.
    for name in sorted(set_names, key=lambda name: name not in SHORT_NAMES):
        if key := SHORT_NAMES.get(name) or names.get(name):
            if environ[name] or name not in SHORT_NAMES:
                draft.put(key, _parse(key, environ[name]), f"environment {name}")
        else:
            near = _nearest_variable(name, [*SHORT_NAMES, *names, *OTHER_NAMES])
            draft.problems.append(f"environment: unknown variable {name}.{near}")


def _nearest_variable(name: str, known: list[str]) -> str:
    """The known name most like it, whether its parts are joined by one underscore or two."""
    joined = {each.replace("__", "_"): each for each in known}
    near = difflib.get_close_matches(name.upper().replace("__", "_"), joined, n=1, cutoff=0.7)
    section = name.upper().removeprefix("AURA_").split("__")[0].lower()
    said = f" Did you mean {joined[near[0]]}?" if near else ""
    if section in Settings.model_fields:
        return f"{said} The keys of `{section}` are: {', '.join(_section(section).model_fields)}."
    return said or (
        " Keys are set as AURA_SECTION__KEY; `aura config --template` lists them. If it isn't meant for Aura, unset it."
    )


def _variable(key: str) -> str:
    return "AURA_" + key.replace(".", "__").upper()


def _parse(key: str, text: str) -> Any:
    """The value that an environment variable's text means, by the type of its key."""
    section, name = key.split(".", 1)
    annotation = str(_section(section).model_fields[name].annotation)
    if not re.search(r"\b(int|float|bool|tuple|dict)\b", annotation):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.split(",") if annotation.startswith("tuple[str") else text


def _section(name: str) -> type[Section]:
    return type(getattr(_DEFAULTS, name))


def _check_key(key: str, problem: str, draft: _Draft) -> None:
    section, name = key.split(".", 1)
    fields = list(_section(section).model_fields)
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
        elsewhere = [other for other in keys() if other.split(".")[1] == name]
        draft.problems.append(problem + _suggest([f"{section}.{near[0]}"] if near else elsewhere))


def _nearest(name: str, known: list[str]) -> str:
    return _suggest(difflib.get_close_matches(name, known, n=1, cutoff=0.4)) or f" Known are: {', '.join(known)}."


def _suggest(found: list[str]) -> str:
    return f" Did you mean `{found[0]}`?" if found else ""


def _explain(detail: Any, sources: Mapping[str, str]) -> str:
    """One of pydantic's findings as a sentence that starts with the place to mend."""
    place = [str(part) for part in detail["loc"]]
    key = ".".join(place[:2])
    source = sources.get(key, DEFAULT)
    where = source.removeprefix("file ")
    if source.startswith("environment "):
        where = f"environment variable {source.removeprefix('environment ')}"
    inner = ".".join(place)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key `{inner}`.{_nearest_inner(place)}"
    given = "" if detail["type"] == "missing" else f" (given: {json.dumps(masked(detail['input']), default=str)})"
    form = ""
    if source.startswith("environment ") and detail["type"] in _FORMS and isinstance(detail["input"], str):
        form = f" Write it as in TOML, such as {_FORMS[detail['type']]}."
    return f"{where}: `{inner}`: {detail['msg']}{given}.{form}"


def _nearest_inner(place: list[str]) -> str:
    return _nearest(place[-1], list(VirtualServer.model_fields))
