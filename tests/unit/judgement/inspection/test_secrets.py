"""Secrets by their shape, and by the name they are given to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.inspection.secrets import find_secrets


def found(text: str) -> list[str]:
    return [text[finding.start : finding.end] for finding in find_secrets(text)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('password = "hunter2"', "hunter2"),
        ("DB_PASS=s3cr3tpw", "s3cr3tpw"),
        ('{"dbPassword": "P@ssw0rd"}', "P@ssw0rd"),
        ('{\\"password\\": \\"P@ssw0rd\\"}', "P@ssw0rd"),
        ("- name: PG_PASSWORD\n  value: eR7-tide", "eR7-tide"),
        ('<add key="Password" value="Mail!26"/>', "Mail!26"),
        ("<password>Xml-pw-77</password>", "Xml-pw-77"),
        ("define('DB_PASSWORD', 'wp-Pw-26');", "wp-Pw-26"),
        ("the password is gr33nM0nk3y, try it", "gr33nM0nk3y"),
        ("le mot de passe est Soleil2026!", "Soleil2026!"),
        ("das Kennwort lautet Regen.Bogen7", "Regen.Bogen7"),
        ("machine h login u password fTp-u5er", "fTp-u5er"),
        ("mysql -uroot -p'Root!99' app", "Root!99"),
        ("curl -u admin:admin123 http://h/", "admin123"),
        ("redis-cli -h h -a r3d1s ping", "r3d1s"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("postgres://u:p@ss@host/db", "p@ss"),
        ("X-API-Key: a1b2c3d4e5f6a7b8c9d0", "a1b2c3d4e5f6a7b8c9d0"),
        ("IDENTIFIED BY 'apppw1'", "apppw1"),
    ],
)
def test_a_secret_is_found_where_its_name_or_place_says_so(text: str, secret: str) -> None:
    assert found(text) == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "api_key = <YOUR_KEY>",
        "password: ${DB_PASSWORD}",
        "password={{ vault_password }}",
        "PASSWORD=changeme",
        "client_secret: xxxxxxxxxxxx",
        'token = os.environ["TOKEN"]',
        "const token = await getToken();",
        "def check(password: str) -> bool:",
        "self.password = password",
        '"password": {"type": "string"}',
        "password is required",
        "the token count was 1532",
        '"next_page_token": "CAUQAA1234567890abcdef"',
        "docker run -p 8080:80 nginx",
        "mkdir -p a1/b2",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "id 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "postgresql://USER:PASSWORD@HOST/DB",
        "sk-folding-cube-container-wide",
        "password_min_length = 12",
        "Bearer token authentication",
    ],
)
def test_placeholders_references_code_and_identifiers_are_no_secrets(text: str) -> None:
    assert found(text) == []


def test_a_place_is_in_characters_of_the_text_as_it_came() -> None:
    text = "päßwörd — 密码 😀 \ud800 token ghp_" + "a1B2" * 9
    assert found(text) == ["ghp_" + "a1B2" * 9]


@given(st.text(max_size=300))
def test_findings_are_in_order_and_never_overlap(text: str) -> None:
    places = [(finding.start, finding.end) for finding in find_secrets(f"password={text} token: {text}")]
    assert all(start < end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
