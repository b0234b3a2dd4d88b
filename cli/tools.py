"""`aura tools` and `aura call`: the catalogue, and one call."""

from __future__ import annotations

import difflib
import json
import sys
from typing import Any

import click

from aura_ia_mcp.gateway.client import Client

from .backend import ask
from .output import Failure, json_option, plain, print_json, print_table
from .settings import loaded

_PERCENT = 100


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_context
def tools(ctx: click.Context, name: str | None, as_json: bool) -> None:
    r"""List the tools that you may call, or show one with its schema.

    \b
    Examples:
      aura tools
      aura tools semantic_rank
      aura tools --json
    """
    entries = ask(loaded(ctx), Client.list_tools)
    if name is not None:
        _show(next((entry for entry in entries if entry["name"] == name), None), name, entries, as_json=as_json)
    elif as_json:
        print_json({"tools": entries})
    else:
        rows = [
            (_meta(e, "category"), e["name"], _meta(e, "capability"), _meta(e, "layer"), _hints(e)) for e in entries
        ]
        print_table(("Category", "Tool", "Needs", "Layer", "Effect"), sorted(rows))
        click.echo("`aura tools NAME` shows one with its schema.", err=True)


@click.command()
@click.argument("tool")
@click.argument("arguments", required=False, default="{}", metavar="[JSON|-]")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0.001), help="Seconds to wait for the result.")
@click.option("--key", default="", help="Idempotency key: a repeat with the same key runs nothing again.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result: content, metadata, audit id.")
@click.pass_context
def call(ctx: click.Context, tool: str, arguments: str, timeout_s: float | None, key: str, as_json: bool) -> None:
    r"""Call a tool and print its result as JSON; progress goes to standard error.

    The arguments are a JSON object; - reads it from standard input. Exit status 1 if the call was refused or failed.
    A call that you have to confirm asks you, on a terminal; elsewhere nobody agrees, and it waits as an approval.

    \b
    Examples:
      aura call echo '{"text": "hello"}'
      aura call semantic_rank '{"query": "fruit", "candidates": ["apple", "car", "banana"]}'
      aura call analyze_emotion - < request.json
    """
    given = _arguments(arguments)

    async def work(client: Client) -> dict[str, Any]:
        return await client.call_tool(tool, given, on_progress=_progress, on_ask=_asked, timeout_s=timeout_s, key=key)

    result = ask(loaded(ctx), work)
    if as_json:
        print_json(result)
    if result.get("isError"):
        raise refusal(result, told=as_json)
    if not as_json:
        _print_result(result)


def refusal(result: dict[str, Any], *, told: bool = False) -> Failure:
    """What a failed call says, with what to do about it; `told` as `Failure` has it."""
    failure = (result.get("_meta") or {}).get("aura/error") or {}
    texts = [block["text"] for block in result.get("content", ()) if block.get("type") == "text"]
    message = failure.get("message") or "\n".join(texts) or "the tool failed and said nothing."
    audit_id = failure.get("audit_id") or (result.get("_meta") or {}).get("aura/audit_id")
    hints = [str(failure.get("recovery") or "")]
    if failure.get("retry_after_s") is not None:
        hints.append(f"(in {failure['retry_after_s']:g} s)")
    if audit_id:
        hints.append(f"[record {audit_id}]")
    return Failure(message, " ".join(hint for hint in hints if hint), code=str(failure.get("code") or ""), told=told)


def _arguments(text: str) -> dict[str, Any]:
    if text == "-":
        text = sys.stdin.read()
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"The arguments are not JSON: {error}. Quote them for the shell with '…'.") from None
    if not isinstance(value, dict):
        raise click.UsageError('The arguments must be a JSON object, as in \'{"text": "hello"}\'.')
    return value


def _progress(progress: float, total: float | None, message: str | None) -> None:
    share = f"{_PERCENT * progress / total:3.0f} %" if total else f"{progress:g}"
    click.echo(f"[{share}] {message or ''}".rstrip(), err=True)


def _asked(question: dict[str, Any]) -> dict[str, Any]:
    """Whether the person at the terminal agrees; nobody does where there is none."""
    asked = question.get("params") or {}
    if not sys.stdin.isatty() or question.get("method") != "elicitation/create":
        return {"action": "decline"}
    for line in str(asked.get("message", "")).splitlines():
        click.echo(plain(line), err=True)
    if (asked.get("requestedSchema") or {}).get("properties"):
        click.echo("It asks for a form to be filled in, which `aura call` can't show: declined.", err=True)
        return {"action": "decline"}
    agreed = click.confirm("Do you agree?", default=False, err=True)
    return {"action": "accept", "content": {}} if agreed else {"action": "decline"}


def _print_result(result: dict[str, Any]) -> None:
    if result.get("structuredContent") is not None:
        print_json(result["structuredContent"])
        return
    for block in result.get("content", ()):
        if block.get("type") == "text":
            click.echo(block["text"])
        else:
            print_json(block)


def _show(entry: dict[str, Any] | None, name: str, entries: list[dict[str, Any]], *, as_json: bool) -> None:
    if entry is None:
        near = difflib.get_close_matches(name, [each["name"] for each in entries], n=1)
        hint = f"Did you mean {near[0]}?" if near else "`aura tools` lists them."
        raise Failure(f"there is no tool {name!r} that you may call.", hint)
    if as_json:
        print_json(entry)
        return
    click.echo(f"{entry['name']}: {entry.get('title', '')}\n")
    click.echo(f"{entry.get('description', '')}\n")
    click.echo(f"Needs {_meta(entry, 'capability')}; runs in {_meta(entry, 'layer')}; {_hints(entry)}.\n")
    for title, key in (("Input", "inputSchema"), ("Output", "outputSchema")):
        if key in entry:
            click.echo(f"{title}:\n{json.dumps(entry[key], indent=2, ensure_ascii=False)}\n")


def _meta(entry: dict[str, Any], name: str) -> str:
    return str((entry.get("_meta") or {}).get(f"aura/{name}", ""))


def _hints(entry: dict[str, Any]) -> str:
    hints = entry.get("annotations") or {}
    if hints.get("readOnlyHint"):
        return "reads"
    return "may destroy" if hints.get("destructiveHint", True) else "writes"
