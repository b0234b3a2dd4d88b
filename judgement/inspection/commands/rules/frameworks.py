"""Frameworks' own tasks for their databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..code import concepts
from ..model import ENVIRONMENTS, Call, Hit, block, review
from .statements import of_sql

_FAMILY = "database"


def _for_tests(call: Call) -> bool:
    """Whether a framework is told to use its database for tests."""
    named = {f"{name}=test" for name in ENVIRONMENTS} | {"--env=test"}
    return not named.isdisjoint(call.argv) or any(call.environment.get(name) == "test" for name in ENVIRONMENTS)


def _consoles(call: Call) -> Iterator[Hit]:
    """Code that a framework runs beside its models."""
    runs = {"runner", "console", "tinker", "shell", "shell_plus", "c", "r"} & set(call.operands[:3])
    if runs:
        for text in [*call.argv, call.stdin.text]:
            yield from concepts.judge(text)


def _frameworks(call: Call) -> Iterator[Hit]:
    yield from _consoles(call)
    words = [text for text in call.argv if not text.startswith("-")]
    for word in words:
        drops = frozenset(
            """
            db:drop db:reset db:wipe migrate:fresh migrate:reset db:purge db:drop:_unsafe db:truncate_all
            doctrine:database:drop doctrine:schema:drop schema:drop db:drop:all ecto.drop ecto.reset sql:drop
            db:schema:load db:structure:load db:setup db:migrate:reset db:truncate db:empty db:clear
            doctrine:mongodb:schema:drop db:collection:drop db:destroy
        """.split()
        )
        if word in drops and not _for_tests(call):
            yield block(_FAMILY, "drops or empties a database")
    if "flush" in words and any(w.endswith("manage.py") or w == "django-admin" for w in [call.name, *words]):
        yield block(_FAMILY, "empties a database")
    if any(w.endswith("manage.py") for w in words) and "reset_db" in words:
        yield block(_FAMILY, "empties a database")
    if words[:2] in (["migrate", "reset"], ["prisma", "migrate"]) and "reset" in words:
        yield block(_FAMILY, "empties a database")
    if words[-1:] == ["zero"] and "migrate" in words:
        yield review(_FAMILY, "takes a whole schema down")
    if "dbconsole" in words or "dbshell" in words or words[:2] == ["db", "query"]:
        for text in [call.stdin.text, words[-1]]:
            yield from of_sql(text)
    if call.name == "alembic" and words[:2] == ["downgrade", "base"]:
        yield block(_FAMILY, "takes a whole schema down")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(
        tuple(
            """
            rails rake bundle python python3 django-admin manage.py php artisan mix npx prisma sequelize
            knex typeorm alembic flask console symfony wp
        """.split()
        ),
        _frameworks,
    ),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
