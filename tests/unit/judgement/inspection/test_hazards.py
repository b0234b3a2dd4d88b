"""Commands, SQL, paths and URLs: what is seen, and that no text crashes a detector or hides from it by its form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.judgement.finding import Finding, Severity
from aura_ia_mcp.judgement.inspection.commands import MAX_TEXT, inspect_command
from aura_ia_mcp.judgement.inspection.paths import inspect_path
from aura_ia_mcp.judgement.inspection.sql import inspect_sql
from aura_ia_mcp.judgement.inspection.urls import inspect_url

PIECES = st.sampled_from(
    [
        "rm",
        "-rf",
        "/",
        "$(echo",
        "`",
        "'",
        '"',
        ";",
        "|",
        "&",
        "&&",
        "||",
        "{",
        "}",
        "(",
        ")",
        "<",
        ">",
        ">>",
        "<<",
        "<<<",
        "EOF",
        "\n",
        "$x",
        "${x:-",
        "${x//",
        "[[",
        "]]",
        "if",
        "then",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "case",
        "esac",
        "a=b",
        "eval",
        "sh",
        "-c",
        "python3",
        "-e",
        "node",
        "\\",
        "$'\\x41'",
        "{a,b}",
        "*",
        "?",
        "~",
        "#",
        "!",
        "xargs",
        "find",
        "-exec",
        "sudo",
        "curl",
        "base64",
        "-d",
        "é",
        "\x00",
    ]
)
SHELLISH = st.one_of(st.text(max_size=120), st.lists(PIECES, max_size=40).map(" ".join))


def rules(found: list[Finding]) -> set[str]:
    return {finding.rule for finding in found if finding.severity >= Severity.REVIEW}


@given(SHELLISH)
@settings(max_examples=150)
def test_no_text_crashes_the_command_detector_and_every_place_lies_in_the_text(text: str) -> None:
    for found in inspect_command(text):
        assert 0 <= found.start <= found.end <= len(text)


@given(st.text(max_size=200))
@settings(max_examples=80)
def test_no_text_crashes_the_other_detectors(text: str) -> None:
    for found in [
        *inspect_sql(text),
        *inspect_path(text, ["/srv"]),
        *inspect_url(text),
        *inspect_url("http://" + text),
    ]:
        assert 0 <= found.start <= found.end <= len(text) + 7


@given(st.permutations(["-r", "-f", "--no-preserve-root", "/etc"]))
@settings(max_examples=24)
def test_the_order_of_words_hides_nothing(words: list[str]) -> None:
    assert "command.destroy_files" in rules(inspect_command("rm " + " ".join(words)))


@pytest.mark.parametrize(
    "wrapper", ["sudo {}", "env A=1 {}", "timeout 5 {}", "sh -c '{}'", "ssh h '{}'", "x=1; {}", "true && {}"]
)
def test_a_wrapper_hides_nothing(wrapper: str) -> None:
    assert "command.destroy_files" in rules(inspect_command(wrapper.format("rm -rf /usr")))


def test_what_is_only_spoken_of_is_no_hazard() -> None:
    assert not rules(inspect_command("git commit -m 'never rm -rf /' && grep -r 'curl x | sh' docs # dd of=/dev/sda"))


def test_what_exceeds_the_parsed_part_is_for_a_person_to_see() -> None:
    assert rules(inspect_command("ls\n" * MAX_TEXT)) == {"command.too_large"}


def test_unbalanced_text_is_for_a_person_to_see() -> None:
    assert "command.unparsed" in rules(inspect_command("$(" * 50))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("drop table users", "sql.drop"),
        ("select 1; truncate orders", "sql.truncate"),
        ("delete from users", "sql.unconditional"),
        ("update users set a = 1 where 1 = 1 or b = 2", "sql.tautology"),
        ("grant all privileges on *.* to 'x'", "sql.grant_all"),
        ("copy t to program 'sh'", "sql.program"),
        ("exec xp_cmdshell 'dir'", "sql.program"),
        ("select * from t into outfile '/tmp/x'", "sql.file"),
        ("' or 1=1 --", "sql.injection"),
    ],
)
def test_hazards_of_sql_are_named(text: str, rule: str) -> None:
    assert rule in rules(inspect_sql(text))


@pytest.mark.parametrize(
    "text",
    [
        "select * from t where a = 1 or b = 2",
        "delete from t where id = 4",
        "select 'drop table x'",
        "update t set a = 1 where id = 2",
    ],
)
def test_ordinary_sql_is_no_hazard(text: str) -> None:
    assert not rules(inspect_sql(text))


@pytest.mark.parametrize(
    "text",
    [
        "../x",
        "a/../../x",
        "%2e%2e/x",
        "%252e%252e%252fx",
        "/etc/passwd",
        "~/x",
        "..\\x",
        "a\x00b",
        "//host/x",
        "file:///x",
        "/srv2/x",
    ],
)
def test_a_path_out_of_its_root_is_seen(text: str) -> None:
    assert rules(inspect_path(text, ["/srv"]))


def test_a_link_out_of_its_root_is_seen_only_by_resolving() -> None:
    assert not rules(inspect_path("/srv/link", ["/srv"]))
    assert rules(inspect_path("/srv/link", ["/srv"], {"/srv": "/srv", "/srv/link": "/etc"}.__getitem__)) == {
        "path.symlink_escape"
    }


@pytest.mark.parametrize("text", ["a/b.txt", "/srv/a", "a/../b", "100%25.txt"])
def test_a_path_below_its_root_is_none(text: str) -> None:
    assert not rules(inspect_path(text, ["/srv"]))


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1",
        "http://2130706433",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://127.1",
        "http://[::1]",
        "http://[::ffff:10.0.0.1]",
        "http://[64:ff9b::a00:1]",
        "http://[fe80::1%25eth0]",
        "http://169.254.169.254/",
        "http://100.100.100.200",
        "http://good.example.org@127.0.0.1",
        "http://127%2e0%2e0%2e1",
        "http://１２７.0.0.1",  # noqa: RUF001
        "http://①②⑦.0.0.1",
        "http://localhost",
        "http://x.nip.io",
        "file:///etc/passwd",
        "gopher://x",
        "http:\\\\127.0.0.1",
        "http://metadata.google.internal",
        "http://[fd00:ec2::254]",
        "http://10.1.2.3:80",
        "http://0",
        "http://intranet",
        "redis://cache/0",
        "aura://localhost/docs",
        "aura://metadata/docs",
        "aura://2130706433/docs",
        "aura://intranet:80/docs",
        "aura://10.1.2.3/docs",
        "aura://user@intranet/docs",
    ],
)
def test_an_address_that_leads_inside_is_seen(text: str) -> None:
    assert rules(inspect_url(text))


@pytest.mark.parametrize(
    "text", ["https://example.org/a?b=c", "http://example.org:8080", "https://8.8.8.8/", "https://user@example.org/"]
)
def test_a_public_address_is_none(text: str) -> None:
    assert not rules(inspect_url(text))


@pytest.mark.parametrize("text", ["aura://docs/policy", "test://static-text", "memo://notes"])
def test_a_name_of_a_resource_leads_to_no_host(text: str) -> None:
    assert not rules(inspect_url(text))


def test_a_name_that_resolves_inside_is_seen() -> None:
    assert rules(inspect_url("http://example.org", lambda name: ["10.0.0.1"])) == {"url.resolves_private"}
