"""The settings as commands need them."""

from __future__ import annotations

import click

from aura_ia_mcp.configs.load import Loaded, SettingsError, load

from .app import Invocation
from .output import Failure


def loaded(ctx: click.Context) -> Loaded:
    """The settings that this command line means.

    Raises:
        Failure: they can't be used.
    """
    invocation = ctx.find_object(Invocation) or Invocation()
    try:
        return load(invocation.config)
    except SettingsError as error:
        raise Failure(
            "the settings can't be used:\n" + "\n".join(f"  {problem}" for problem in error.problems),
            "`aura config --template` prints every key with its default.",
        ) from None
