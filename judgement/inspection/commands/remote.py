"""Programs that run something elsewhere: on other hosts, in containers, by configuration managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import modules
from .inner import Inner, joined
from .model import Call, Data, Field
from .prefixes import CONTAINER_VALUED, SSH_VALUED, past_options


def _ssh(call: Call) -> Inner:
    said = [data.text for data in call.options("-o")]
    held = [(text if "=" in text.split(" ")[0] else text.replace(" ", "=", 1)).partition("=") for text in said]
    local = [Data(command) for name, _, command in held if name.lower() in {"proxycommand", "localcommand"}]
    inner = _on_host(call)
    inner.scripts += local
    return inner


def _on_host(call: Call) -> Inner:
    at = past_options(call.args, SSH_VALUED) + 1
    rest = call.args[at:]
    if rest and rest[0].text.startswith("-"):
        rest = rest[past_options(rest, SSH_VALUED) :]
    if rest:
        return Inner(scripts=[joined(rest)])
    return Inner(scripts=[call.stdin] if call.stdin.known and call.stdin.text else [])


def _on_many(call: Call) -> Inner:
    """pdsh, clush and such: options with the machines' names, then a command."""
    return Inner(scripts=[joined(call.args[past_options(call.args, "-w -g -x -l -f -t -h -H -p --hosts --host") :])])


def _remote_option(*options: str) -> Callable[[Call], Inner | None]:
    """A cloud's client that hands an option's value to a machine's shell."""

    def rule(call: Call) -> Inner | None:
        texts = [text.removeprefix("commands=").strip("[]\"'") for text in (d.text for d in call.options(*options))]
        return Inner(scripts=[Data(text) for text in texts]) if texts else None

    return rule


def in_container(call: Call) -> Inner | None:
    """What a container engine or a cluster runs in a container, if it is told to run something."""
    args = call.args[past_options(call.args, CONTAINER_VALUED) :]
    if not args:
        return None
    verb = args[0].text
    if verb in {"compose", "container", "exec", "run", "rsh", "debug", "tasks", "kubectl"} and len(args) > 1:
        rest = args[1:]
        if verb in {"compose", "container", "tasks", "kubectl"}:
            return in_container(Call(call.name, rest, call.stdin))
        entry = Call(call.name, rest).option("--entrypoint")
        dashes = next((n for n, arg in enumerate(rest) if arg.text == "--"), None)
        if call.name in {"kubectl", "oc", "lxc", "k3s", "microk8s"}:
            return (
                Inner([rest[dashes + 1 :]])
                if dashes is not None
                else Inner([rest[past_options(rest, CONTAINER_VALUED) + 1 :]])
            )
        at = past_options(rest, CONTAINER_VALUED) + (2 if call.name == "ctr" else 1)
        inner = rest[at:]
        return Inner([[Field(Data(entry)), *inner] if entry else inner])
    dashes = next((n for n, arg in enumerate(args) if arg.text == "--"), None)
    return Inner([args[dashes + 1 :]]) if verb == "create" and dashes is not None else None


def _ansible(call: Call) -> Inner:
    module = call.option("-m", "--module-name")
    text = call.option("-a", "--args")
    if module is None or module.rpartition(".")[2] in {"shell", "command", "raw", "script"}:
        return Inner(scripts=[Data(text)] if text else [])
    told = [] if call.has("C", "--check") else modules.of_ansible(module, text or "")
    return Inner(scripts=[Data(command) for command in told])


def _salt(call: Call) -> Inner | None:
    at = next((n for n, text in enumerate(call.argv) if text[:1].isalpha() and "." in text.strip(".")), None)
    if at is None or call.has("", "test=True") or "test=True" in call.argv:
        return None
    if call.argv[at] in {"cmd.run", "cmd.shell", "cmd.run_all", "cmd.run_stdout"}:
        return Inner(scripts=[joined(call.args[at + 1 :])])
    if call.argv[at] == "cmd.script" and call.argv[at + 1 : at + 2] and "://" in call.argv[at + 1]:
        return Inner(scripts=[Data(f"curl {call.argv[at + 1]} | sh")])
    return Inner(scripts=[Data(command) for command in modules.of_salt(call.argv[at], call.argv[at + 1 :])])


def _puppet(call: Call) -> Inner | None:
    if call.has("", "--noop"):
        return None
    if call.operands[:1] == ["resource"] and call.operands[2:]:
        told = modules.of_puppet(call.operands[1], call.operands[2], call.operands[3:])
    else:
        told = modules.of_manifest(" ".join([*(data.text for data in call.options("-e")), call.stdin.text]))
    return Inner(scripts=[Data(command) for command in told])


WRAPPERS: Mapping[str, Callable[[Call], Inner | None]] = {
    "ssh": _ssh,
    "autossh": _ssh,
    "dbclient": _ssh,
    "ansible": _ansible,
    **dict.fromkeys(("salt", "salt-call", "salt-ssh"), _salt),
    "puppet": _puppet,
    **dict.fromkeys(("pdsh", "clush", "dsh", "pssh", "parallel-ssh", "orgalorg"), _on_many),
    "gcloud": _remote_option("--command"),
    "aws": _remote_option("--command", "--parameters"),
    "az": _remote_option("--scripts", "--command-line"),
    **dict.fromkeys(("fly", "flyctl"), _remote_option("-C", "--command")),
    **dict.fromkeys(("nodemon", "pnpm", "yarn"), _remote_option("--exec", "-x", "-c", "--call")),
    "sops": lambda call: Inner(scripts=[call.args[-1].data]) if {"exec-env", "exec-file"} & set(call.argv) else None,
}
