"""`aura version`."""

from __future__ import annotations

import platform

import click

import aura_ia_mcp

from .output import json_option, print_json


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version of Aura IA MCP."""
    if as_json:
        print_json({"aura_ia_mcp": aura_ia_mcp.__version__, "python": platform.python_version()})
    else:
        click.echo(f"aura {aura_ia_mcp.__version__} (Python {platform.python_version()})")
