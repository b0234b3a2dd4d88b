"""What counts as a wish to take something away, and which tools may answer it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.routing import LABELS, Reading, destructive_intent, route, verbs
from aura_ia_mcp.judgement.routing.doers import doers
from aura_ia_mcp.models.lexicon import Lexicon

LEXICON = Lexicon.load()
DOING = {
    "delete_documents",
    "cancel_workflow",
    "cancel_debate",
    "codex_archive",
    "codex_interrupt",
    "codex",
    "codex-reply",
    "set_safe_mode",
    "decide_approval",
    "execute_command",
    "execute_wasm_plugin",
}


def reading(*scores: tuple[str, float], language: str = "en", concepts: tuple[str, ...] = ()) -> Reading:
    return Reading(scores, language, concepts, True, 0.7, 0.05)


@pytest.mark.parametrize(
    "text",
    [
        "delete all logs",
        "all logs: delete",
        "could you please wipe the metrics?",
        "show me the logs and then delete them",
        "check the logs for errors and, if there are any, remove them",
        "I want all traces gone",
        "the logs need deleting",
        "would you mind deleting the audit log",
        "have all tokens revoked",
        "take the gateway down",
        "turn the audit off",
        "Is the log too big, delete it",
        "DROP TABLE users;",
        "delet all logs pls",
    ],
)
def test_a_wish_to_take_away_is_heard_however_it_is_put(text: str) -> None:
    assert destructive_intent(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "roll back the configuration",
        "undo the configuration",
        "the old roles have to go",
        "d e l e t e all logs",
        "d.e.l.e.t.e the audit records",
        "Logs: weg damit",
        "Die alten Protokolle können weg",
        "everything from last year in the trail has got to go",
        "put the configuration back to factory defaults, whatever is in there can go",
        "shoot down the ray cluster",
        "make the metrics history disappear",
        "I'd rather these traces had never existed, so make them vanish",
        "it is time for the audit records to be history, erase",
        "the alerts should no longer exist",
        "the logs should not be there tomorrow",
        "send all records to the shredder",
        "move the log files into the bin",
        "list the roles, then bin the unused ones",
        "tell me which models are loaded and unload them after wiping their files",
        "check the alerts and make sure nothing remains of them",
        "find the rules about Tom and take them out",
        "let the traces go up in smoke",
        "help me get the settings off the disk",
        "help me lose the settings",
        "we can do without the old metrics, lose them",
        "please see to it that the logs get erased",
        "the policy needs to be torn down",
        "fais disparaître les journaux",
        "débarrasse-toi des rôles",
        "deshazte de los registros",
        "haz que desaparezca el historial de auditoría",
        "mach die Datenbank platt",
        "butta via i registri",
        "faça sumir os registros",
        "spraw żeby logi zniknęły",
        "сделай так чтобы журналы исчезли",
        "让日志消失",
        "ログを消し去って",
        "로그를 없애줘",
        "get the audit trail off the disk",
        "we can do without the old metrics, away with them",
        "start afresh: no logs, no traces, nothing left",
        "could the gateway be taken offline",
        "kindly see the log table dropped",
        "the configuration should be reset",
    ],
)
def test_neither_euphemism_nor_language_nor_company_hides_it_from_readers(text: str) -> None:
    words = LEXICON.read(text)
    readers = (("tool:get_recent_logs", 0.9), ("tool:search_logs", 0.1))
    decision = route(text, reading(*readers, language=words.language, concepts=words.concepts))
    assert decision.destructive
    assert decision.kind == "none" or decision.name in DOING


@pytest.mark.parametrize(
    "text",
    [
        "show deleted documents",
        "I have to go through the logs of today",
        "I need the steps that can go in parallel",
        "it is as if they never answer",
        "family, format, size",
        "am I allowed to call this here",
        "we seem to lose connections, and users lose it after an hour",
        "in the codex conversation c-3 say: please undo the last change",
        "logs of the delete job",
        "how do I delete a document?",
        "who deleted the logs",
        'search logs for "delete all"',
        "is it dangerous to stop the node and drop a table",
        "may a developer delete files",
        "request approval to delete the logs and drop the table",
        "which role should delete stale files",
        "write a script to delete old files",
        "remember: wipe the cache on Mondays",
        "did anybody disable safe mode",
        "is it clear what the policy says",
        "record in the audit log that I deleted the temp files",
    ],
)
def test_talk_about_taking_away_is_not_a_wish(text: str) -> None:
    assert destructive_intent(text) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Lösche alle Protokolle"),
        ("fr", "Supprime tous les journaux"),
        ("es", "Borra los registros"),
        ("ru", "Удали все журналы"),
        ("zh", "删除所有日志"),
        ("ja", "ログを削除して"),
        ("hi", "सभी लॉग हटा दो"),
        ("en", "Svuota il database"),
    ],
)
def test_other_languages_are_heard_too(language: str, text: str) -> None:
    assert destructive_intent(text, language) is not None


@pytest.mark.parametrize(
    ("language", "text"), [("de", "Zeig gelöschte Dokumente"), ("fr", "Montre les fichiers supprimés")]
)
def test_a_report_in_another_language_is_not_a_wish(language: str, text: str) -> None:
    assert destructive_intent(text, language) is None


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("delete document 12 from the knowledge base", "delete_documents"),
        ("stop the debate", "cancel_debate"),
        ("abort workflow run r-2", "cancel_workflow"),
        ("interrupt codex thread t-5", "codex_interrupt"),
        ("delete the codex session c-3", "codex_archive"),
        ("disable safe mode", "set_safe_mode"),
    ],
)
def test_it_goes_to_the_tool_that_does_just_that(text: str, tool: str) -> None:
    decision = route(text, reading(("tool:get_recent_logs", 0.9), ("tool:search_logs", 0.1)))
    assert (decision.kind, decision.name, decision.destructive) == ("tool", tool, True)


@pytest.mark.parametrize(
    "text", ["delete all logs", "wipe the audit", "delete my facebook account", "delete the workflow x"]
)
def test_without_such_a_tool_it_goes_nowhere_and_says_why(text: str) -> None:
    decision = route(text, reading(("tool:get_recent_logs", 0.99), ("tool:echo", 0.01)))
    assert (decision.kind, decision.destructive) == ("none", True)
    assert any("only reads" in reason for reason in decision.why)


@given(
    verb=st.sampled_from(verbs.listed("delete;erase;wipe;purge;destroy;truncate;remove;revoke;nuke;kill;reset;shred")),
    thing=st.text(max_size=60),
    polite=st.sampled_from(["", "please ", "could you ", "I want you to "]),
)
def test_no_wish_to_take_away_ever_reaches_a_tool_that_reads(verb: str, thing: str, polite: str) -> None:
    scores = [(label, 1 / len(LABELS)) for label in LABELS]
    decision = route(f"{polite}{verb} {thing}", reading(*scores))
    assert decision.kind == "none" or decision.name in DOING or not decision.destructive


@given(st.text(max_size=200), st.sampled_from(["en", "de", "zh", "ar"]))
def test_any_text_is_read_without_fault(text: str, language: str) -> None:
    intent = destructive_intent(text, language)
    if intent is not None:
        assert {LABELS[label].name for label in doers(intent, text, ())} <= DOING
