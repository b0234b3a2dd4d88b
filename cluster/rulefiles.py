"""The rule files that these settings mean, read by a command with no system running."""

from __future__ import annotations

from pathlib import Path

from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import Policy, PolicyError
from aura_ia_mcp.judgement.roles import Roles, RolesError

from .faults import OperatorError, PolicyFault
from .spec import absolute

SHIPPED = "shipped"


def policy_of(settings: Settings, file: Path | None) -> tuple[Policy, str]:
    """The policy of a file, else of the settings, and where it comes from.

    Raises:
        PolicyFault: it can't be used.
    """
    path = file or absolute(settings).safety.policy_file
    return (policy.shipped(), SHIPPED) if path is None else (parse_policy(path), str(path))


def parse_policy(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        PolicyFault: it can't be used.
    """
    try:
        return policy.parse(read_text(file), str(file))
    except PolicyError as error:
        raise PolicyFault(error) from None


def roles_of(settings: Settings) -> Roles:
    """The roles that these settings mean.

    Raises:
        OperatorError: the file can't be used.
    """
    file = absolute(settings).safety.roles_file
    try:
        return roles.shipped() if file is None else roles.parse(read_text(file), str(file))
    except RolesError as error:
        raise OperatorError(str(error)) from None


def check(settings: Settings) -> None:
    """Pass files by which a system could decide.

    Raises:
        OperatorError: it could decide nothing by them; says which, where and why.
    """
    roles_of(settings)
    policy_of(settings, None)


def read_text(file: Path) -> str:
    """A file's text.

    Raises:
        OperatorError: it can't be read.
    """
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise OperatorError(f"{file} isn't UTF-8 text; save it as such") from None
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}; look at its name and mode") from None
