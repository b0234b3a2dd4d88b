"""One plain simple command is read as a shell would read it; anything else is refused, and nothing slips through."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.simple_command import MOST_CHARS, NotSimpleError, refusal, split

ALLOW = ("ls", "cat", "find", "date", "sort", "grep", "bash")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ls", ["ls"]),
        ("  ls -la\t/x \n", ["ls", "-la", "/x"]),
        ("grep -n 'a b' \"c d\" e\\ f", ["grep", "-n", "a b", "c d", "e f"]),
        ("echo a\"b\"'c'd", ["echo", "abcd"]),
        ("echo '' \"\"", ["echo", "", ""]),
        ("find . ! -name '*.py'", ["find", ".", "!", "-name", "*.py"]),
        (r'echo "a\$b \"q\" \n" \*', ["echo", r'a$b "q" \n', "*"]),
        ("head -n 5 -20 3.5 a=b a#b x:y,z@%+^", ["head", "-n", "5", "-20", "3.5", "a=b", "a#b", "x:y,z@%+^"]),
        ("echo 'two\nlines' é", ["echo", "two\nlines", "é"]),
        ("grep '$HOME|`id`' f", ["grep", "$HOME|`id`", "f"]),
    ],
)
def test_a_plain_command_is_split_as_a_shell_would(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ls | wc", "pipeline"),
        ("ls > x", "redirection"),
        ("ls 2>&1", "redirection"),
        ("ls < x", "redirection"),
        ("cat <<< x", "redirection"),
        ("cat <<E\nx\nE", "redirection"),
        ("ls; pwd", "several commands"),
        ("ls\npwd", "several commands"),
        ("ls && pwd", "several commands"),
        ("ls || pwd", "several commands"),
        ("ls &", "follows the command"),
        ("ls;", "follows the command"),
        ("echo $HOME", "variable"),
        ('echo "$HOME"', "variable"),
        ("echo ${HOME:-x}", "variable"),
        ("echo `id`", "substitution"),
        ('echo "a $(id) b"', "substitution"),
        ("echo <(id)", "substitution"),
        ("echo $((1+1))", "arithmetic"),
        ("A=1 ls", "assignment"),
        ("A=1", "assignment"),
        ("ls *.py", "pattern"),
        ("ls ?", "pattern"),
        ("ls [ab]", "pattern"),
        ("echo {a,b}", "brace"),
        ("echo {1..3}", "brace"),
        ("ls ~", "home folder"),
        ("ls ~root/x", "home folder"),
        ("ls # all", "comment"),
        ("! ls", "negation"),
        ("(ls)", "subshell"),
        ("{ ls; }", "shell syntax"),
        ("if true; then ls; fi", "shell syntax"),
        ("f() { ls; }", "shell syntax"),
        ("export A=1", "shell syntax"),
        ("[ -f x ]", "program test"),
        ("echo $'a\\n'", r"\$'"),
        ("echo 'x", "left open"),
        ("ls )", "left open"),
        ("echo a\\\nb", "shell syntax"),
        ("", "no command"),
        (" \n", "no command"),
        ("ls \0x", "NUL"),
        ("ls \ud800", "surrogate"),
        ("ls " + "x" * MOST_CHARS, "characters"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NotSimpleError, match=why):
        split(text)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), min_size=1, max_size=6))
def test_quoted_words_come_back_whatever_is_in_them(words: list[str]) -> None:
    assert list(split("'x' " + " ".join(map(shlex.quote, words)))) == ["x", *words]


@given(st.text(st.sampled_from("ab-/ .'\"\\$`|&;<>(){}[]*?~#!=\n\té"), max_size=40))
def test_what_is_accepted_has_no_unquoted_syntax_and_means_what_posix_says(text: str) -> None:
    try:
        words = split(text)
    except NotSimpleError:
        return
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    plain = text.replace("\\$", "$").replace("\\`", "`")  # shlex keeps these backslashes within double quotes
    assert len(list(lexer)) == len(words)
    if "\\" not in plain:
        assert list(words) == shlex.split(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rm x", "commands.allow"),
        ("/bin/ls", "without its folder"),
        ("./ls", "without its folder"),
        ("bash x", "is a shell"),
        ("'' x", "commands.allow"),
        ("find . -delete", "argument 2"),
        ("find . -name x -exec rm x", "argument 4"),
        ("find . -fprintf out %p", "argument 2"),
        ("date -s now", "argument 1"),
        ("date -us now", "argument 1"),
        ("date --set=now", "argument 1"),
        ("date --se now", "argument 1"),
        ("sort -o out in", "argument 1"),
        ("sort -uoout in", "argument 1"),
        ("sort --comp=sh in", "argument 1"),
    ],
)
def test_what_may_not_run_is_refused_with_the_reason(text: str, why: str) -> None:
    reason = refusal(split(text), ALLOW)
    assert reason is not None
    assert why in reason


@pytest.mark.parametrize(
    "text",
    [
        "ls -la",
        "find . -name delete -type f",
        "date -d yesterday",
        "date -dyesterday +%s",
        "date --iso-8601=seconds",
        "sort -rn -k2,2o --reverse f",
        "grep -o x f",
        "cat --set",
    ],
)
def test_reading_runs(text: str) -> None:
    assert refusal(split(text), ALLOW) is None
