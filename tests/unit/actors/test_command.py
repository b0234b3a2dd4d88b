"""execute_command runs one plain allowed program within walls and limits, and leaves nothing of it behind.

The walls are bubblewrap's own: these tests run it, and are skipped, loudly, where it can't work. The refusals come
before it and are tried everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

import jsonschema_rs
import psutil
import pytest
import uvloop

from aura_ia_mcp.actors import sandbox
from aura_ia_mcp.actors.confinement import Confinement
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Commands
from tests.support.strict import NO_SANDBOX

from .alone import Alone
from .graph import until

SLEEP = {"allow": ["sleep", "timeout", "python3", "seq", "head", "cat", "ls", "id", "env", "yes", "mkdir", "touch"]}


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> None:
    confinement = Confinement([tmp_path_factory.mktemp("probe")])
    found = asyncio.run(sandbox.probe(Commands(), confinement))
    if isinstance(found, str):
        pytest.skip(f"{NO_SANDBOX}: {found}")


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    return Alone(tmp_path, **SLEEP)


async def run(alone: Alone, command: str, **more: object) -> JSON:
    return await alone.call("execute_command", {"command": command} | more)


async def refused(alone: Alone, command: str, **more: object) -> AuraError:
    with pytest.raises(AuraError) as caught:
        await run(alone, command, **more)
    return caught.value


def processes(mark: str) -> list[str]:
    found = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    return [" ".join(line) for line in found if mark in line]


async def gone(mark: str) -> bool:
    with contextlib.suppress(TimeoutError):
        await until(lambda: not processes(mark))
    return not processes(mark)


def children() -> int:
    return len(psutil.Process().children(recursive=True))


async def test_a_ceiling_of_none_starts_nothing(alone: Alone) -> None:
    with pytest.raises(AuraError, match="sandbox: none") as caught:
        await alone.call("execute_command", {"command": "touch made"}, sandbox="none")
    assert caught.value.code == "forbidden"
    assert not (alone.folder / "work" / "made").exists()


@pytest.mark.parametrize("ceiling", ["read_only", "workspace"])
async def test_a_ceiling_is_not_kept_by_doing_without_walls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ceiling: str
) -> None:
    async def none(*_: object) -> str:
        return "bubblewrap isn't installed"

    monkeypatch.setattr(sandbox, "probe", none)
    alone = Alone(tmp_path, unsandboxed=True, **SLEEP)
    with pytest.raises(AuraError, match="no command runs without a sandbox"):
        await alone.call("execute_command", {"command": "ls"}, sandbox=ceiling)


# --- refusals: before any process is started -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("cat x | sh", "pipeline"),
        ("ls; rm x", "several commands"),
        ("ls > x", "redirection"),
        ("echo $(id)", "substitution"),
        ("ls $HOME", "variable"),
        ("rm -rf x", "commands.allow"),
        ("/bin/ls", "without its folder"),
        ("bash -c ls", "is a shell"),
        ("cat /etc/passwd", "argument 1 leads out"),
        ("cat ../secret", "argument 1 leads out"),
        ("ls -la .. x", "argument 2 leads out"),
        ("ls --ignore=/etc/passwd", "argument 1 leads out"),
        ("ls -I/etc/passwd", "argument 1 leads out"),
        ("cat link", "argument 1 leads out"),
        ("head -clink", "argument 1 leads out"),
        ("cat link/passwd", "argument 1 leads out"),
        ("cat .aura/operator.token", "argument 1 leads out"),
    ],
)
async def test_what_is_not_allowed_is_refused_before_anything_runs(
    alone: Alone, command: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "run", None)
    (alone.folder / "secret").write_text("x")
    (alone.folder / "work" / "link").symlink_to("/etc")
    error = await refused(alone, command)
    assert (error.code, why in str(error)) == ("invalid_arguments", True), str(error)


@pytest.mark.parametrize(
    ("cwd", "why"), [("/etc", "outside"), ("..", "outside"), ("link", "outside"), ("no", "no such")]
)
async def test_a_command_starts_only_in_an_allowed_folder(alone: Alone, cwd: str, why: str) -> None:
    (alone.folder / "work" / "link").symlink_to("/etc")
    error = await refused(alone, "ls", cwd=cwd)
    assert (error.code, why in str(error)) == ("invalid_arguments", True), str(error)


async def test_without_bubblewrap_nothing_runs_and_the_remedy_is_told(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sandbox.find_program
    monkeypatch.setattr(sandbox, "find_program", lambda name: None if name == "bwrap" else real(name))
    error = await refused(alone, "ls")
    assert error.code == "unavailable"
    assert "sandbox: none" in str(error)
    assert "install the package bubblewrap" in str(error)
    assert "commands.unsandboxed" in str(error)


async def test_a_bubblewrap_that_does_not_work_here_is_told_with_its_own_words(
    alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    real = sandbox.find_program
    monkeypatch.setattr(sandbox, "find_program", lambda name: str(broken) if name == "bwrap" else real(name))
    error = await refused(alone, "ls")
    assert error.code == "unavailable"
    assert "No permissions to create new namespace" in str(error)


@pytest.mark.parametrize("root", ["/", "missing"])
async def test_roots_that_can_not_be_walls_are_refused(tmp_path: Path, root: str) -> None:
    error = await refused(Alone(tmp_path, roots=[root]), "ls")
    assert (error.code, "commands.roots" in str(error)) == ("unavailable", True)


async def test_commands_may_not_write_where_the_system_itself_lies(tmp_path: Path) -> None:
    error = await refused(Alone(tmp_path, writable=True), "ls")
    assert (error.code, "commands.writable" in str(error)) == ("unavailable", True)


def test_it_is_hidden_hazardous_and_for_operators(alone: Alone) -> None:
    tool = alone.tools["execute_command"].definition
    assert (tool.capability, tool.risk, tool.exposed, tool.concurrency) == ("operate", "critical", False, 2)
    assert tool.annotations == {
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": False,
    }
    properties = tool.input_schema["properties"]
    assert (properties["command"]["x-aura-kind"], properties["cwd"]["x-aura-kind"]) == ("command", "path")


@pytest.mark.parametrize("setting", ["writable", "unsandboxed"])
def test_where_commands_may_write_its_hints_and_so_its_contract_are_others(tmp_path: Path, setting: str) -> None:
    walled, open_ = (
        Alone(tmp_path / name, **more).tools["execute_command"].definition
        for name, more in (("walled", {}), ("open", {setting: True}))
    )
    assert (walled.read_only, walled.destructive) == (False, False)
    assert (open_.read_only, open_.destructive) == (False, True)
    assert walled.fingerprint != open_.fingerprint


# --- without walls, where the settings say so ------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alone:
    real = sandbox.find_program
    monkeypatch.setattr(sandbox, "find_program", lambda name: None if name == "bwrap" else real(name))
    return Alone(tmp_path, unsandboxed=True, **SLEEP)


async def test_without_walls_it_says_so_and_the_limits_hold(bare: Alone) -> None:
    (bare.folder / "work" / "f").write_text("hello")
    reply = await run(bare, "cat f")
    assert (reply["stdout"], reply["exit_code"], reply["sandbox"]) == ("hello", 0, "none")
    hungry = await run(bare, "python3 -c 'bytearray(10**10)'")
    assert "MemoryError" in hungry["stderr"]
    assert (await run(bare, "env"))["stdout"].count("\n") == len(sandbox.ENVIRONMENT)


async def test_without_walls_nothing_of_the_group_outlives_its_time(bare: Alone) -> None:
    script = 'import subprocess as s; s.Popen([\\"sleep\\", \\"8611\\"]); s.run([\\"sleep\\", \\"8611\\"])'
    reply = await run(bare, f'python3 -c "{script}"', timeout_s=1)
    assert (reply["timed_out"], reply["exit_code"]) == (True, None)
    assert await gone("8611")


# --- within walls ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("walls")
class TestWithinWalls:
    async def test_a_command_runs_and_tells_how_it_went(self, alone: Alone) -> None:
        (alone.folder / "work" / "sub").mkdir()
        (alone.folder / "work" / "sub" / "a b").write_text("hello\n")
        reply = await run(alone, "cat 'a b' missing", cwd="sub")
        schema = alone.tools["execute_command"].definition.output_schema or False
        assert list(jsonschema_rs.Draft202012Validator(schema).iter_errors(reply)) == []
        assert (reply["stdout"], reply["exit_code"], reply["sandbox"]) == ("hello\n", 1, "bubblewrap")
        assert "missing" in reply["stderr"]
        assert (reply["timed_out"], reply["truncated"]) == (False, False)

    async def test_no_shell_reads_it(self, alone: Alone) -> None:
        reply = await run(alone, "python3 -c 'import sys; print(sys.argv[1:])' '$HOME' '; id' '*' '~' '`x`'")
        assert reply["stdout"] == "['$HOME', '; id', '*', '~', '`x`']\n"

    async def test_what_is_outside_the_roots_and_the_systems_own_state_is_not_there(self, alone: Alone) -> None:
        (alone.paths.state / "operator.token").write_text("secret")
        (alone.folder / "outside").write_text("secret")
        reads = [
            "/etc/shadow",
            str(alone.folder / "outside"),
            str(alone.paths.state / "operator.token"),
            "/root",
            "/sys",
        ]
        script = "import os,sys; print([os.path.exists(chr(47) + p) for p in sys.argv[1:]])"
        reply = await run(alone, f"python3 -c '{script}' " + " ".join(path[1:] for path in reads))
        assert reply["stdout"] == f"{[False] * len(reads)}\n", reply["stderr"]

    async def test_nothing_can_be_written_but_a_bounded_private_tmp(self, alone: Alone) -> None:
        script = (
            "import sys\n"
            "for place in sys.argv[1:]:\n"
            "    try:\n"
            "        file = open(chr(47) + place, 'w')\n"
            "        print(place, file.write('x'))\n"
            "    except OSError: pass\n"
        )
        places = [
            str(alone.folder / "work" / "x")[1:],
            "usr/x",
            "x",
            "dev/x",
            "dev/shm/x",
            "proc/sys/kernel/hostname",
            "tmp/x",
        ]
        reply = await run(alone, f'python3 -c "{script}" ' + " ".join(places))
        assert reply["stdout"] == "tmp/x 1\n", reply["stderr"]
        assert not (alone.folder / "work" / "x").exists()

    async def test_a_root_can_be_made_writable(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        alone = Alone(tmp_path, roots=[tmp_path / "data"], writable=True, **SLEEP)
        assert (await run(alone, "touch made"))["exit_code"] == 0
        assert (tmp_path / "data" / "made").exists()

    async def test_a_ceiling_takes_back_what_the_settings_allow(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        alone = Alone(tmp_path, roots=[tmp_path / "data"], writable=True, **SLEEP)
        held = await alone.call("execute_command", {"command": "touch held"}, sandbox="read_only")
        assert "Read-only file system" in held["stderr"]
        assert not (tmp_path / "data" / "held").exists()
        assert (await alone.call("execute_command", {"command": "touch own"}, sandbox="workspace"))["exit_code"] == 0

    async def test_there_is_no_network_no_capability_and_no_other_process(self, alone: Alone) -> None:
        script = (
            "import os,socket\n"
            "print([name for _, name in socket.if_nameindex()])\n"
            "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff')])\n"
            "print(len([name for name in os.listdir('/proc') if name.isdigit()]) < 4)\n"
        )
        reply = await run(alone, f'python3 -c "{script}"')
        assert reply["stdout"] == "['lo']\n['0000000000000000']\nTrue\n", reply["stderr"]

    async def test_the_environment_is_not_ours(self, alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AURA_TOKEN", "secret")
        names = {line.partition("=")[0] for line in (await run(alone, "env"))["stdout"].splitlines()}
        assert names == {*sandbox.ENVIRONMENT, "PWD"}

    async def test_time_memory_file_size_and_open_files_are_limited(self, alone: Alone) -> None:
        late = await run(alone, "sleep 8612", timeout_s=0.5)
        assert (late["timed_out"], late["exit_code"]) == (True, None)
        assert 400 < late["ms"] < 5000
        assert "MemoryError" in (await run(alone, "python3 -c 'bytearray(10**10)'"))["stderr"]
        large = await run(alone, "python3 -c \"open('/tmp/x', 'wb').write(bytes(10**8))\"")
        assert "File too large" in large["stderr"]
        many = await run(alone, "python3 -c \"x = [open('/dev/null') for _ in range(999)]\"")
        assert "Too many open files" in many["stderr"]

    async def test_long_output_is_cut_and_endless_output_ends_the_command(self, alone: Alone) -> None:
        cut = await run(alone, "seq 30000")
        assert (len(cut["stdout"]), cut["truncated"], cut["exit_code"]) == (65_536, True, 0)
        endless = await run(alone, "yes", timeout_s=30)
        assert (len(endless["stdout"]), endless["truncated"], endless["exit_code"]) == (65_536, True, None)
        assert endless["timed_out"] is False

    async def test_what_leaves_its_process_group_ends_with_the_command(self, alone: Alone) -> None:
        script = "import subprocess as s; s.Popen(['sleep', '8613'], start_new_session=True); s.run(['sleep', '8613'])"
        assert (await run(alone, f'python3 -c "{script}"', timeout_s=1))["timed_out"] is True
        assert await gone("8613")

    @pytest.mark.parametrize("after_s", [0.0, 0.002, 0.005, 0.008, 0.011, 0.014, 0.02, 0.3])
    async def test_a_cancelled_call_leaves_no_process(self, alone: Alone, after_s: float) -> None:
        await run(alone, "ls")
        before = children()
        call = asyncio.create_task(run(alone, "sleep 8614", timeout_s=60))
        await asyncio.sleep(after_s)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await gone("8614")
        await until(lambda: children() <= before)

    async def test_the_calls_deadline_bounds_its_time(self, alone: Alone) -> None:
        began = time.monotonic()
        reply = await alone.call("execute_command", {"command": "sleep 8615", "timeout_s": 60}, within_s=2.0)
        assert reply["timed_out"] is True
        assert time.monotonic() - began < 10

    async def test_it_works_on_the_loop_and_in_the_thread_that_actors_have(self, alone: Alone) -> None:
        async def both() -> JSON:
            call = asyncio.create_task(run(alone, "sleep 8616"))
            reply = await run(alone, "python3 -c 'import sys; sys.exit(7)'")
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            return reply

        reply = await asyncio.to_thread(uvloop.run, both())
        assert (reply["exit_code"], reply["sandbox"]) == (7, "bubblewrap")
        assert await gone("8616")

    async def test_a_killed_actor_takes_its_commands_along(self, alone: Alone) -> None:
        confinement = Confinement([alone.folder / "work"])
        found = await sandbox.probe(Commands(), confinement)
        assert isinstance(found, sandbox.Bubblewrap)
        command = [*sandbox.build(found, Commands(), confinement, confinement.roots[0]), "/usr/bin/sleep", "8617"]
        script = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], start_new_session=True); time.sleep(99)"
        actor = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *command)
        await until(lambda: any(line.startswith("/usr/bin/sleep") for line in processes("8617")))  # the walls stand
        actor.kill()
        await actor.wait()
        assert await gone("8617")
