"""`aura config`: the settings in force and where each came from."""

from __future__ import annotations

import difflib
import json

import click

from aura_ia_mcp.configs.document import template as template_text
from aura_ia_mcp.configs.load import DEFAULT

from .output import json_option, print_json, print_table
from .settings import loaded


@click.command()
@click.argument("only", metavar="[SECTION|KEY]", required=False)
@click.option("--changed", is_flag=True, help="Only what isn't at its default.")
@click.option("--template", is_flag=True, help="Print a settings file with every key, its default and its meaning.")
@json_option
@click.pass_context
def config(ctx: click.Context, only: str | None, changed: bool, template: bool, as_json: bool) -> None:
    r"""Show the settings in force and where each came from.

    \b
    Examples:
      aura config
      aura config safety
      aura config safety.rate_limit --json
      aura config --template > aura.toml && aura --config aura.toml serve
    """
    if template:
        click.echo(template_text(), nl=False)
        return
    current = loaded(ctx)
    values = current.shown()
    if only is not None:
        chosen = {key: value for key, value in values.items() if key == only or key.startswith(f"{only}.")}
        if not chosen:
            near = difflib.get_close_matches(only, [*values, *(key.split(".")[0] for key in values)], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no section or key {only!r}.{hint}")
        values = chosen
    if changed:
        values = {key: value for key, value in values.items() if current.sources[key] != DEFAULT}
    if as_json:
        print_json({key: {"value": value, "source": current.sources[key]} for key, value in values.items()})
        return
    click.echo(f"Settings file: {current.file}", err=True)
    print_table(
        ("Key", "Value", "Source"),
        [(key, json.dumps(value, ensure_ascii=False), current.sources[key]) for key, value in values.items()],
    )
