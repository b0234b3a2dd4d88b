"""`aura doctor`: look for common faults and say the remedy."""

from __future__ import annotations

import click

from aura_ia_mcp.configs.settings import Settings

from .checks import CHECKS, Finding, ok
from .output import Failure, json_option, print_json
from .settings import loaded

_SIGNS = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "failure": ("FAULT", "red")}


@click.command()
@click.argument("only", nargs=-1, type=click.Choice(list(CHECKS)))
@json_option
@click.pass_context
def doctor(ctx: click.Context, only: tuple[str, ...], as_json: bool) -> None:
    r"""Look for common faults and say the remedy.

    Looks at Python, packages, the model's file, ports, the state folder, the database, disk and memory, Codex, and the
    running system. Changes nothing. Exit status 1 if something must be mended before the system can run.

    \b
    Examples:
      aura doctor
      aura doctor ports codex
      aura doctor --json
    """
    findings = []
    for finding in _examine(ctx, only or tuple(CHECKS)):
        findings.append(finding)
        if not as_json:
            _print(finding)
    failures = [finding for finding in findings if finding.state == "failure"]
    if as_json:
        print_json({"ok": not failures, "findings": [finding.as_dict() for finding in findings]})
    if failures:
        raise Failure(
            f"{len(failures)} of {len(findings)} checks failed.",
            "Each has its remedy above, after ->." if not as_json else "",
            told=as_json,
        )


def _examine(ctx: click.Context, names: tuple[str, ...]) -> list[Finding]:
    settings = Settings()
    try:
        current = loaded(ctx)
        settings = current.settings
        findings = [ok("settings", f"read from {current.file}")]
    except Failure as error:
        findings = [Finding("settings", "failure", error.message, error.recovery)]
    for name in names:
        try:
            findings += CHECKS[name](settings)
        except Exception as error:  # one check that breaks mustn't hide the others
            findings.append(Finding(name, "warning", f"can't be checked: {type(error).__name__}: {error}"))
    return findings


def _print(finding: Finding) -> None:
    sign, colour = _SIGNS[finding.state]
    click.echo(f"{click.style(f'{sign:<6}', fg=colour)} {finding.check}: {finding.detail}")
    if finding.remedy:
        click.echo(f"       -> {finding.remedy}")
