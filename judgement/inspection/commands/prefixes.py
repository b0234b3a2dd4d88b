"""Programs that run what stands behind their own options, and which options take a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .model import Call, Field


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the inner command begins: behind options, assignments and so many operands."""

    valued: str = ""
    skip: int = 0
    assignments: bool = False


PREFIXES: Mapping[str, Shape] = {
    "sudo": Shape(
        "-u -g -p -C -h -r -t -T -U -D -R --user --group --prompt --host --role --type --chdir --chroot", 0, True
    ),
    "doas": Shape("-u -C"),
    "pkexec": Shape("--user"),
    "env": Shape("-u -C --unset --chdir --argv0", 0, True),
    "nice": Shape("-n --adjustment"),
    "ionice": Shape("-c -n -p --class --classdata"),
    "timeout": Shape("-s -k --signal --kill-after", 1),
    "gtimeout": Shape("-s -k --signal --kill-after", 1),
    "stdbuf": Shape("-i -o -e --input --output --error"),
    "nohup": Shape(),
    "setsid": Shape(),
    "time": Shape("-f -o --format --output"),
    "command": Shape(),
    "builtin": Shape(),
    "exec": Shape("-a"),
    "coproc": Shape(),
    "noglob": Shape(),
    "nocorrect": Shape(),
    "then": Shape(),
    "do": Shape(),
    "!": Shape(),
    "busybox": Shape(),
    "toybox": Shape(),
    "taskset": Shape("-c --cpu-list", 1),
    "chrt": Shape("-T -P -D", 1),
    "cgexec": Shape("-g"),
    "systemd-inhibit": Shape(),
    "caffeinate": Shape("-t -w"),
    "strace": Shape("-e -o -p -s -a -E -P -u"),
    "ltrace": Shape("-e -o -p -s"),
    "xvfb-run": Shape("-n -s -e -f -w"),
    "dbus-run-session": Shape(),
    "fakeroot": Shape(),
    "firejail": Shape(),
    "proxychains": Shape("-f"),
    "proxychains4": Shape("-f"),
    "torsocks": Shape(),
    "torify": Shape(),
    "unbuffer": Shape(),
    "rlwrap": Shape(),
    "winpty": Shape(),
    "prlimit": Shape("-p"),
    "chpst": Shape("-u -e -P"),
    "setarch": Shape("", 1),
    "linux64": Shape(),
    "linux32": Shape(),
    "runuser": Shape("-u -g -G --user"),
    "setpriv": Shape("--reuid --regid --groups"),
    "chronic": Shape(),
    "ts-node": Shape(),
    "unshare": Shape("-S -G --setuid --setgid --wd"),
    "nsenter": Shape("-t -S -G --target --setuid --setgid"),
    "chroot": Shape("--userspec --groups", 1),
    "bwrap": Shape("--setenv --chdir"),
    "systemd-run": Shape("-p -u --unit --property --on-calendar --on-active -E --uid --slice --description"),
    "ld.so": Shape(),
    "aws-vault": Shape("", 2),
    "doppler": Shape("", 1),
    "dotenv": Shape("-e -f"),
    "watchexec": Shape("-e -w"),
    "hyperfine": Shape("-w -r -m"),
    **dict.fromkeys(("gosu", "su-exec", "s6-setuidgid", "setuidgid", "arch-chroot", "envdir"), Shape("", 1)),
    **dict.fromkeys(("run0", "dzdo", "please", "catchsegv", "valgrind", "daemonize", "abduco", "nocache"), Shape()),
    "faketime": Shape("-f", 1),
    "start-stop-daemon": Shape("-u -c -p -n -x --user --chuid --pidfile --name"),
}
RUNNERS: Mapping[str, tuple[str, ...]] = {
    "poetry": ("run",),
    "pipenv": ("run",),
    "uv": ("run",),
    "bundle": ("exec",),
    "conda": ("run",),
    "op": ("run",),
    "rye": ("run",),
    "hatch": ("run",),
    "mise": ("exec", "x"),
}
CONTAINERS = tuple(
    """
    docker podman nerdctl kubectl oc crictl lxc docker-compose k3s microk8s ctr
""".split()
)
CONTAINER_VALUED = (
    "-e -v -w -u -p -h -l -m -n -c --env --volume --workdir --user --publish --name --network --net --mount --entrypoint "  # noqa: E501
    "--env-file --label --memory --cpus --hostname --add-host --device --cap-add --cap-drop --security-opt --pid --ipc "
    "--uts --userns --platform --gpus --restart --tmpfs --ulimit --shm-size --volumes-from --dns --link --log-driver "
    "--log-opt --namespace --container --context --cgroup-parent --runtime --sysctl --expose --pull --cgroupns --image "
    "--overrides --env-from -f --file --profile --project-name -H --host --kubeconfig"
)
SSH_VALUED = "-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B"
SCRIPT_OPTIONS = ("-c", "--command", "--cmd")


def past_options(args: list[Field], valued: str, *, assignments: bool = False) -> int:
    """The place of the first argument that is no option, no option's value and, if so asked, no assignment."""
    takes = set(valued.split())
    at = 0
    while at < len(args):
        text = args[at].text
        if text == "--":
            return at + 1
        if text.startswith("-") and len(text) > 1:
            short = text[:2] if text[1] != "-" else text
            last = "-" + text[-1]
            bundled = text[1] != "-" and text[2:] and short not in takes and last in takes
            at += 2 if text in takes or bundled else 1
        elif assignments and "=" in text and text.partition("=")[0].isidentifier():
            at += 1
        else:
            return at
    return at


def git_words(call: Call) -> list[str]:
    """What git is told, its options for all subcommands taken off, without options."""
    told = call.argv[past_options(call.args, "-C -c --git-dir --work-tree --namespace") :]
    return [text for text in told if text[:1] != "-" or text == "-"]
