"""Secrets by their shape, and by the name they are given to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.inspection.scan import MOST_PLACES
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
        ("jdbc:oracle:thin:hr/tig3r-Eye@//ora:1521/X", "tig3r-Eye"),
        ('{"auths": {"r": {"auth": "YWRtaW46cHc5OQ=="}}}', "YWRtaW46cHc5OQ=="),
        ("machine h login u password tangledWord", "tangledWord"),
        ("db.example.org:5432:app:app:9thWave", "9thWave"),
        ("host;user;password\nvm1;root;Moss!81", "Moss!81"),
        ("| host | password |\n|---|---|\n| vm1 | Moss!81 |", "Moss!81"),
        ("пароль: Zima-2026", "Zima-2026"),
        ("密码是 Hx82jdk9", "Hx82jdk9"),
        ("비밀번호: Han!5542", "Han!5542"),
        ("your API key is 8f7e6d5c4b3a2918", "8f7e6d5c4b3a2918"),
        ("auth token 8f7e6d5c4b3a29181706 was rejected", "8f7e6d5c4b3a29181706"),
        ('let password: String = "t1de-pool".into();', "t1de-pool"),
        ('auth=("bob", "t1de-pool")', "t1de-pool"),
        ('connect("localhost", "root", "t1de-pool", "shop")', "t1de-pool"),
        ("use t1de-pool! as the password", "t1de-pool!"),
        ("creds are admin:t1de-pool!", "t1de-pool!"),
        ("root pw on the staging box is t1de-pool! until friday", "t1de-pool!"),
        ('TOTP_SEED = "XZQQ24YPGJ3GY2ZJRXFUBAP2CKMVMNYD"', "XZQQ24YPGJ3GY2ZJRXFUBAP2CKMVMNYD"),
        ("ipmitool -U admin -P t1de-pool sel list", "t1de-pool"),
        ("git clone https://3f9c1b2a4d5e6f708192a3b4@git.example.org/a.git", "3f9c1b2a4d5e6f708192a3b4"),
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
        "sha256 as the password hash",
        "login from 10.0.0.1:8080",
        "credentials: vault:kv2/foo",
        '"auth": "required"',
        "name | pass | fail\nsuite1 | 12 | 3",
        "model,tokens,price\nm1,1200,0.4",
        "docker run -p 5432:5432 postgres:16.1",
        "密码: 至少8位",
        "ssh://deploybot-production@git.example.org/x",
        "https://example.org/hooks/use-previous-value-in-react",
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


def test_a_text_with_more_places_than_time_allows_is_one_finding_to_its_end() -> None:
    text = "token: " * (2 * MOST_PLACES) + "password=t1de-pool"
    last = find_secrets(text)[-1]
    assert (last.rule, last.end) == ("secret.too_many", len(text))
