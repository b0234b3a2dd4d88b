"""Texts that are run by neither shells nor interpreters: sources, build files, manifests, scripts of tools."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache

import re2

from ..model import Call, Data, Hit, block, review
from . import concepts
from .interpreters import Around

_COMPILERS = frozenset(
    """
        gcc cc clang g++ c++ clang++ tcc rustc go java javac cargo swift swiftc dotnet csc mcs kotlinc kotlin
        ghc runghc runhaskell crystal nim zig dmd ocaml fpc gfortran v dart
    """.split()
)
_MAKERS = frozenset(
    """
        ansible-playbook terraform tofu packer skaffold act gitlab-runner drone salt-call
        make gmake docker podman buildah docker-compose nerdctl kubectl oc helm just ninja rake ant gradle mvn
    """.split()
)
_TOOLS = frozenset(
    """
        gdb lldb ex ed vim vi nvim emacs expect tclsh R Rscript julia irb ghci scala jshell groovy elixir iex
        guile sbcl racket clojure raku swipl octave sage psql rails artisan django-admin manage.py flask tinker
        bc dc gnuplot osascript wscript cscript powershell pwsh
    """.split()
)
_PROJECTS = {
    **dict.fromkeys(("npm", "yarn", "pnpm", "bun"), ("package.json",)),
    **dict.fromkeys(("pip", "pip3", "uv", "poetry"), ("setup.py",)),
    "cargo": ("build.rs",),
    "rake": ("Rakefile",),
    "just": ("justfile", "Justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
    "vagrant": ("Vagrantfile",),
    "gradle": ("build.gradle", "build.gradle.kts"),
    "gradlew": ("build.gradle", "build.gradle.kts"),
    "mvn": ("pom.xml",),
    "ant": ("build.xml",),
    "direnv": (".envrc",),
    "mise": ("mise.toml", ".mise.toml"),
    "tox": ("tox.ini",),
    "nox": ("noxfile.py",),
    "cmake": ("CMakeLists.txt",),
    "meson": ("meson.build",),
    "bazel": ("WORKSPACE", "BUILD", "BUILD.bazel"),
    "pre-commit": (".pre-commit-config.yaml",),
    "lefthook": ("lefthook.yml",),
    "invoke": ("tasks.py",),
    "fab": ("fabfile.py",),
    "scons": ("SConstruct",),
    "grunt": ("Gruntfile.js",),
    "gulp": ("gulpfile.js",),
    "composer": ("composer.json",),
    "foreman": ("Procfile",),
    "honcho": ("Procfile",),
    "supervisord": ("supervisord.conf",),
    "mix": ("mix.exs",),
    "bundle": ("Gemfile",),
}
"""The file of a project that each builder runs things from without being given it."""

_READERS = _COMPILERS | _MAKERS | _TOOLS | frozenset(_PROJECTS)
_FRAMEWORKS = ("manage.py", "artisan", "rails", "console", "bin/rails")
_CODE_OPTIONS = ("-e", "--eval", "--execute", "-ex", "--exec", "-E", "-x")
_SHORTEST = 8


def judge(call: Call, around: Around) -> None:
    """Judge the texts that a call is given to run.

    Args:
        call: of any program; only those that run what they are given are looked at.
        around: the shell that knows what the same text wrote into files.
    """
    if not _runs_texts(call):
        return
    for text in _texts(call, around):
        _judge(text, call, around)


def _runs_texts(call: Call) -> bool:
    return call.name in _READERS or any(word.endswith(_FRAMEWORKS) for word in call.operands[:2])


def _texts(call: Call, around: Around) -> Iterator[str]:
    if len(call.stdin.text) > _SHORTEST:
        yield call.stdin.text
    named = [
        *_PROJECTS.get(call.name, ()),
        *call.operands,
        *(text.partition("=")[2] for text in call.argv if "=" in text),
    ]
    if call.name in _MAKERS:
        named += [
            "Dockerfile",
            "Makefile",
            "makefile",
            "docker-compose.yml",
            "docker-compose.yaml",
            "compose.yaml",
            "compose.yml",
            "main.tf",
        ]
    for path in dict.fromkeys(named):
        held = around.content(path)
        if held is not None and len(held.text) > _SHORTEST:
            yield held.text
    options = (*_CODE_OPTIONS, "-c", "-command", "-Command") if call.name in {"powershell", "pwsh"} else _CODE_OPTIONS
    for data in call.options(*options):
        if len(data.text) > _SHORTEST:
            yield data.text
    for text in call.argv:
        name, equals, held_text = text.partition("=")
        if equals and name in _CODE_OPTIONS and len(held_text) > _SHORTEST:
            yield held_text


def _judge(text: str, call: Call, around: Around) -> None:
    if call.name in _PROJECTS and ("import " not in text or "run" in concepts.spoken_of(text)):
        for said in (*_strings(text), *_bare_lines(text)):
            around.script(Data(_without_builders(said)))
        if _runs_itself(text):
            around.note(block("exhaust", "a script that starts itself again and again"))
    if call.name in _MAKERS:
        for line in _lines_run(text):
            around.script(Data(line))
        for hit in _manifest(text):
            around.note(hit)
    elif "run" in concepts.spoken_of(text):
        for said in _strings(text):
            around.script(Data(said))
    for hit in concepts.judge(text):
        around.note(hit)


_STRING = re2.compile(r"\"((?:[^\"\\\n]|\\.)+)\"|'((?:[^'\\\n]|\\.)+)'")


@lru_cache(maxsize=32)
def _strings(text: str) -> tuple[str, ...]:
    """The strings of several words in a source: where it runs programs, each may be what it runs."""
    found = (match.group(1) or match.group(2) for match in itertools.islice(_STRING.finditer(text), 200))
    return tuple(said for said in found if " " in said.strip())[:40]


_SCRIPT_NAME = re2.compile(r"\"([\w:-]+)\"\s*:\s*\"([^\"]+)\"")


def _runs_itself(text: str) -> bool:
    """Whether a project's script starts itself more than once."""
    scripts = ((found.group(1), found.group(2)) for found in itertools.islice(_SCRIPT_NAME.finditer(text), 100))
    return any(told.count(f"run {name}") > 1 or told.count(f"yarn {name}") > 1 for name, told in scripts)


_BETWEEN = re2.compile(r"&&|\|\||[;&\n]")


def _without_builders(told: str) -> str:
    """A project's script less the parts that start a builder, which would read the same file again."""
    return " ; ".join(part for part in _BETWEEN.split(told) if _PROJECTS.keys().isdisjoint(part.split()))


def _bare_lines(text: str) -> Iterator[str]:
    """Lines of build files that are a shell's text as they stand: recipes, steps, settings of commands."""
    for line in text.split("\n")[:200] if text.lstrip()[:1] not in {"{", "<"} else ():
        bare = line.strip().lstrip("-@ ")
        name, found, told = bare.partition("= " if "= " in bare else ": ")
        if "|" in bare or ">" in bare or "rm " in bare:
            yield told if found and name.strip().replace("_", "").isalnum() else bare


_OF_MAKE = {"$(SHELL)": "sh", "${SHELL}": "sh", "$(MAKE)": "make", "${MAKE}": "make", "$$": "$"}
_COMMAND = re2.compile(r"-l?c[\"']?\s*,\s*(?:\"((?:[^\"\\]|\\.)+)\"|'([^']+)')")
"""A shell's text in a manifest's list of words: `[sh, -c, "…"]`."""
_TASK = re2.compile(
    r"(?m)^[\s-]*[\"']?(?:[a-z_]+\.)*(?:shell|command|raw|run|cmd|entrypoint|script|ExecStart)[\"']?\s*[:=]\s*([^\[|>\s].*)$"
)
"""A step of a playbook, a compose file, a pipeline or a plan that is a shell's text: `shell: …`, `command = "…"`."""
_ABSENT = re2.compile(r"path[:=]\s*[\"']?(/[^\s,\"'}]*)[^\n]*state[:=]\s*absent")


@lru_cache(maxsize=32)
def _lines_run(text: str) -> tuple[str, ...]:
    """What a build file, a manifest or a playbook has a shell run; the same file is read once for many calls."""
    return (*_recipes(text), *_commands(text))


def _commands(text: str) -> Iterator[str]:
    for found in itertools.islice(_TASK.finditer(text), 50):
        told = found.group(1).strip()
        yield told[1:-1] if told[0] in "\"'" and told[-1] == told[0] else told
    for found in itertools.islice(_ABSENT.finditer(text), 50):
        yield f"rm -rf {found.group(1)}"
    for found in itertools.islice(_COMMAND.finditer(text), 50):
        yield (found.group(1) or "").replace('\\"', '"') or found.group(2)


_OF_VARIABLE = re2.compile(r"\$\(shell ([^\n]*)\)|(?m:^[\w.]+ *!= *([^\n]+)$)")
"""A shell's text that a Makefile's variable is set to."""


def _recipes(text: str) -> Iterator[str]:
    """The shell lines of a Dockerfile or a Makefile."""
    joined = text.replace("\\\n", " ")
    for name, program in _OF_MAKE.items():
        joined = joined.replace(name, program)
    for found in itertools.islice(_OF_VARIABLE.finditer(joined), 50):
        yield found.group(1) or found.group(2)
    for line in joined.split("\n")[:400]:
        if line[:4].upper() == "RUN ":
            yield line[4:].lstrip()
        elif line.startswith("\t"):
            yield line.strip().lstrip("@-+")
        elif ":" in line and ";" in line and not line.startswith((" ", "#")):
            yield line.partition(";")[2].strip().lstrip("@-+")


_POWERS = (
    "privileged:true",
    "hostpid:true",
    "pid:host",
    "hostipc:true",
    "path:/\n",
    "path:/}",
    "docker.sock",
    '"/:/',
    "-/:/",
    "name:/}",
    "sys_admin",
)


@lru_cache(maxsize=32)
def _manifest(text: str) -> tuple[Hit, ...]:
    return tuple(_powers_given(text))


def _powers_given(text: str) -> Iterator[Hit]:
    squeezed = text.replace(" ", "").replace('"', "").lower() + "\n"
    if any(power.replace('"', "") in squeezed for power in _POWERS):
        yield block("escape", "runs a container with the host's powers")
    if "cluster-admin" in squeezed or ("verbs:[*]" in squeezed.replace("'", "") and "clusterrole" in squeezed):
        yield review("privilege", "gives somebody power over a whole cluster")
