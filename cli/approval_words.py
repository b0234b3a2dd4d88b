"""An approval in words, for people at a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from .output import duration, plain

_CUT = 60
_MODES = {
    "confirm": "its client's own user, or an operator, must confirm it",
    "approve": "somebody else must approve it",
    "request": "it was asked for ahead",
}

Approval = dict[str, Any]


def tell(found: Approval) -> None:
    """Print all of one."""
    lines = [
        ("Asked by", f"{found['principal']['tenant']}/{found['principal']['id']} ({_who_is(found['principal'])})"),
        ("Runs", found["tool"] or f"nothing by itself; in words: {found['operation']}"),
        ("Arguments", json.dumps(found["arguments"], indent=2, ensure_ascii=False)),
        ("Held because", found["reason"] + (f" (rule {found['rule']})" if found["rule"] else "")),
        ("Risk", f"{found['risk']['level']}, {found['risk']['score']:g} of 100"),
        *(
            ("", f"{each['share']:+g} {each['name']}: {each['why']}")
            for each in found["risk"]["factors"]
            if each["share"]
        ),
        *(("Inspection", f"{each.get('rule', '')}: {each.get('what', '')}") for each in found["findings"]),
        ("Asked", _time(found["requested_at"])),
        ("Status", _status(found)),
        *(("Said", _said(each)) for each in found["decisions"]),
        *([("Ran", f"{_time(found['used']['at'])}, call {found['used']['call']}")] if found["used"] else []),
        (
            "Bound to",
            f"arguments {found['arguments_hash'][:12]}, contract {found['contract'][:12] or 'none'},"
            f" policy {found['policy'][:12] or 'none'}",
        ),
        ("Record", found["audit_id"]),
    ]
    click.echo(f"{found['approval_id']}: {what(found)}\n")
    for name, text in lines:
        first, *rest = str(text).splitlines() or [""]
        click.echo(f"  {name:<13} {plain(first)}")
        for line in rest:
            click.echo(f"  {'':<13} {plain(line)}")
    click.echo(f"\n{next_step(found)}")


def next_step(found: Approval) -> str:
    """What happens now, and what to do."""
    name, whose = found["approval_id"], f"{found['principal']['tenant']}/{found['principal']['id']}"
    runs = f"the same call of {found['tool']} by {whose} runs, once" if found["tool"] else f"get_approval tells {whose}"
    if found["status"] == "pending":
        missing = found["approvers"] - len(_agreed(found))
        more = f"{missing} must agree, each another one" if found["approvers"] > 1 else "Somebody must decide"
        until = f"until {_time(found['expires_at'])} ({_left(found['expires_at'])} left)"
        return f"{more}, {until}: aura approvals approve {name}, or deny {name} --reason TEXT. No answer is a no."
    if found["status"] == "approved":
        return f"Approved. Until {_time(found['usable_until'])} {runs}."
    if found["status"] == "denied":
        stays = f"The same call stays refused until {_time(found['expires_at'])}, and " if found["tool"] else ""
        return f"Denied. {stays}{whose} is told why."
    if found["status"] == "used":
        return "Used: an approval is good for one run."
    return f"Expired: no answer is a no. {'The same call asks anew' if found['tool'] else 'It can be asked for anew'}."


def _status(found: Approval) -> str:
    """Its status, and while it waits who must do something."""
    if found["status"] != "pending":
        return str(found["status"])
    agreed = found["mode"] == "approve" and _agreed(found)
    return f"pending; {'one more person must approve it' if agreed else _MODES[found['mode']]}"


def _said(each: dict[str, Any]) -> str:
    how = " (the client's own user; who that was isn't proven)" if each["how"] == "client" else ""
    why = f": {each['reason']}" if each["reason"] else ""
    return f"{each['decision']} by {each['by']}{how} at {_time(each['at'])}{why}"


def print_change(row: Approval, *, as_json: bool) -> None:
    """Print one line of what a list shows of an approval."""
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    now = datetime.now().astimezone().strftime("%H:%M:%S")
    why = cut(row["reason"])
    click.echo(
        f"{now}  {row['approval_id']}  {standing(row):<10} {what(row)}  by {row['by']}  risk {row['risk']}  {why}"
    )


def standing(row: Approval) -> str:
    """Its status, and while it waits how many agreed and how much time is left."""
    if row["status"] != "pending":
        return str(row["status"])
    agreed = f" {len(row['agreed'])} of {row['approvers']}" if row["approvers"] > 1 else ""
    return f"pending{agreed}, {_left(row['expires_at'])} left"


def _agreed(found: Approval) -> list[str]:
    return [each["by"] for each in found["decisions"] if each["decision"] == "approve"]


def what(row: Approval) -> str:
    """What it is about: a tool, or words."""
    return str(row["tool"]) or cut(row["operation"])


def _who_is(principal: dict[str, Any]) -> str:
    return f"{principal['kind']}, roles {', '.join(principal['roles']) or 'none'}"


def cut(text: str) -> str:
    """The beginning of a text, on one line."""
    text = plain(text)
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def _left(until: float) -> str:
    return duration(max(0.0, until - datetime.now(UTC).timestamp()))


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s).astimezone().isoformat(sep=" ", timespec="seconds")
