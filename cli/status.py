"""`aura status`: how the running system is."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from aura_ia_mcp.cluster.folders import where_to_look
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.gateway.client import Client, ClientError

from .backend import ask
from .output import Failure, duration, json_option, print_json, print_table
from .running import description, for_people
from .settings import loaded

_CALM = """aura call set_safe_mode '{"enabled": false, "reason": "..."}'"""
_TOOLS = {
    "system": "get_system_status",
    "cluster": "get_cluster_status",
    "models": "get_model_status",
    "policy": "get_policy",
}


@click.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    r"""Show how the running system is: whether calls are served, its rules, actors, parts, models and endpoints.

    Exit status 1 if none runs here, or if it can't serve calls now.

    \b
    Examples:
      aura status
      aura status --json
    """
    current = loaded(ctx)
    report = ask(current, _gather)
    described = {} if current.backend_url else description(current.settings)
    report["urls"] = described.get("urls", {})
    if as_json:
        print_json(report)
    else:
        _print(report, had_dashboard=bool(described.get("dashboard_url")))
    if not report["ready"]:
        raise Failure(
            f"calls can't be served now: {'; '.join(report['health'].get('reasons', ()))}",
            "Repeat in a moment." + ("" if current.backend_url else f" {where_to_look(Paths.of(current.settings))}"),
            told=as_json,
        )


async def _gather(client: Client) -> dict[str, Any]:
    ready, health = await client.health()
    report: dict[str, Any] = {"ready": ready, "health": health}
    if ready:
        answers = await asyncio.gather(*(_call(client, name) for name in _TOOLS.values()))
        report |= dict(zip(_TOOLS, answers, strict=True))
    return report


async def _call(client: Client, name: str) -> dict[str, Any]:
    """A tool's result, or {"unavailable": why}: what one part can't say mustn't hide the rest."""
    try:
        result = await client.call_tool(name, {}, timeout_s=10.0)
    except ClientError as error:
        return {"unavailable": str(error)}
    if result.get("isError"):
        failure = (result.get("_meta") or {}).get("aura/error") or {}
        return {"unavailable": failure.get("message") or "it failed"}
    content: dict[str, Any] = result.get("structuredContent") or {}
    return content


def _print(report: dict[str, Any], *, had_dashboard: bool) -> None:
    system, cluster, models, policy = (report.get(name, {}) for name in ("system", "cluster", "models", "policy"))
    uptime = f", up {duration(system['uptime_s'])}" if system.get("uptime_s") is not None else ""
    click.echo(f"Aura IA MCP {system.get('version', '')}: {'ready' if report['ready'] else 'NOT READY'}{uptime}")
    for name, url in report["urls"].items():
        click.echo(f"  {name:<10} {for_people(url)}")
    if cluster.get("dashboard_url"):
        click.echo(f"  {'dashboard':<10} {cluster['dashboard_url']}")
    elif had_dashboard and "dashboard_url" in cluster:
        click.echo(f"  {'dashboard':<10} died; all else goes on, and the next start brings it back")
    if system.get("sealing_fault"):
        click.echo(f"  {'record':<10} NOT sealed: {system['sealing_fault']}")
    _print_rules(policy, safe_mode=bool(system.get("safe_mode")))
    _print_actors(cluster)
    _print_parts(system)
    _print_models(models)
    for title, part in (("parts", system), ("Ray", cluster), ("models", models), ("rules", policy)):
        if "unavailable" in part:
            click.echo(f"Nothing to tell of {title}: {part['unavailable']}")


def _print_actors(cluster: dict[str, Any]) -> None:
    for node, actors in cluster.get("actors_by_node", {}).items():
        rows = [(a["name"], a["class"], a["layer"], a["state"], str(a["restarts"]), _cell(a["pid"])) for a in actors]
        print_table(("Actor", "Class", "Layer", "State", "Restarts", "Pid"), rows, f"Ray actors on {node}")


def _print_parts(system: dict[str, Any]) -> None:
    rows = [
        (p["name"], p["layer"], p["state"], _cell(p["mailbox"]), _cell(p["p50_ms"], " ms"), _cell(p["p99_ms"], " ms"))
        for p in system.get("actors", ())
    ]
    if rows:
        print_table(("Part", "Layer", "State", "Under way", "Median", "99 %"), rows, "Parts")


def _print_models(worker: dict[str, Any]) -> None:
    rows = [
        (m["name"], m["kind"], _loaded(m, worker), _cell(m["device"]), str(m["requests"]), _cell(m["p50_ms"], " ms"))
        for m in worker.get("models", ())
    ]
    if rows:
        print_table(("Model", "Kind", "Loaded", "Device", "Calls", "Median"), rows, "Models")


def _print_rules(policy: dict[str, Any], *, safe_mode: bool) -> None:
    if "version" in policy:
        click.echo(f"  {'rules':<10} policy {policy['version']}, roles {policy['roles_version']}")
    if policy.get("fault"):
        click.echo(f"  {'':<10} NOT the newest, and these stay until it is mended: {policy['fault']}")
    if safe_mode:
        click.echo(f"  {'safe mode':<10} ON: nothing that writes runs. To end it: {_CALM}")


def _loaded(model: dict[str, Any], worker: dict[str, Any]) -> str:
    if model["loaded"]:
        return "yes"
    if model.get("error"):
        return f"no: {model['error']}"
    return f"{worker.get('state', '')} {worker.get('progress', 0):.0%}".strip()


def _cell(value: Any, unit: str = "") -> str:
    return "" if value is None else f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"
