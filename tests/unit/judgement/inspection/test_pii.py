"""Personal data by shape, check digits and surroundings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.inspection import numbers
from aura_ia_mcp.judgement.inspection.pii import TYPES, find_pii
from aura_ia_mcp.judgement.inspection.scan import MOST_PLACES


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.rule.removeprefix("pii."), text[finding.start : finding.end]) for finding in find_pii(text)]


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("mail o'neil@example.ie now", "email", "o'neil@example.ie"),
        ("jane (at) example (dot) org", "email", "jane (at) example (dot) org"),
        ("+44 20 7946 0018", "phone", "+44 20 7946 0018"),
        ("ring 030/12345678", "phone", "030/12345678"),
        ("телефон 03-1234-5678", "phone", "03-1234-5678"),
        ("You reach us on 020 7946 0834.", "phone", "020 7946 0834"),
        ("мой номер 8 912 345-67-89", "phone", "8 912 345-67-89"),
        ("Τηλέφωνο: 210 123 4567", "phone", "210 123 4567"),
        ("טלפון: 03-555-1234", "phone", "03-555-1234"),
        ("手机 13800138000", "phone", "13800138000"),
        ("email=bob%40example.org&x=1", "email", "bob%40example.org"),
        ("jane dot doe at example dot org", "email", "jane dot doe at example dot org"),
        ("doğum tarihi: 01.02.1990", "birth_date", "01.02.1990"),
        ("4111-1111-1111-1111", "payment_card", "4111-1111-1111-1111"),
        ("to de89 3704 0044 0532 0130 00 today", "iban", "de89 3704 0044 0532 0130 00"),
        ("born 4 July 1988", "birth_date", "4 July 1988"),
        ("生年月日: 1990年5月12日", "birth_date", "1990年5月12日"),
        ("name,dob\nAnna,1987-06-15", "birth_date", "1987-06-15"),
        ("a\tssn\nb\t536228871", "us_ssn", "536228871"),
        ("cpf 529.982.247-25", "br_cpf", "529.982.247-25"),
        ("otp for msisdn=31641827735", "phone", "31641827735"),
        ("Zentrale 0228/4471-0", "phone", "0228/4471-0"),
        ("du når mig på 070-174 06 52", "phone", "070-174 06 52"),
        ("moje nové číslo je 604 281 773", "phone", "604 281 773"),
        ("my Visa, number 41111111 11111111", "payment_card", "41111111 11111111"),
        ("card 4111.1111.1111.1111", "payment_card", "4111.1111.1111.1111"),
        ("DE89.3704.0044.0532.0130.00", "iban", "DE89.3704.0044.0532.0130.00"),
        ("NHS# 418.509.6054", "uk_nhs", "418.509.6054"),
    ],
)
def test_personal_data_is_found(text: str, kind: str, what: str) -> None:
    assert kind in TYPES
    assert found(text) == [(kind, what)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "part no. 4111111111111111",
        "0.4111111111111111",
        "released 4 July 1988",
        "serial no. 536-22-8871",
        "order number 555-123-4567",
        "Your order number is 1994850091.",
        "Rechnungsnummer 0712345678",
        "número de pedido 912345678",
        "The fund reached 12 345 678 euros",
        "part 0114-4410-0228-B",
        "birthday party on 12/05/2026",
        "git@gitlab.example.org:team/app.git",
        "ssh://deploy@web.example.org/srv",
        "scp a.txt bob@files.example.org:/srv",
        "logo@2x.png",
        "Message-ID: <1234.abc@mail.example.org>",
        "1700000000 1700000001",
        "version 10.0.19045.4046",
        "DE89 3704 0044 0532 0130 01",
        "name,order\nAnna,536-22-8871",
        "Numéro de dossier : 06 41 72 83 64",
        "phone calls from=1762157662 to=20251103081422",
        "41111111 11111111",
        "mobile users: 417 283 641",
        "faktura číslo 2025 0417 2836",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("payment_card", "4111111111111111"),
        ("uk_nhs", "9434765919"),
        ("de_tax_id", "86095742719"),
        ("fr_nir", "255081416802538"),
        ("es_nif", "12345678Z"),
        ("it_cf", "RSSMRA85T10A562S"),
        ("nl_bsn", "111222333"),
        ("ca_sin", "046454286"),
        ("in_aadhaar", "234123412346"),
        ("br_cpf", "52998224725"),
    ],
)
def test_a_check_digit_tells_each_changed_last_character(kind: str, number: str) -> None:
    check = numbers.CHECKS[kind]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if number[-1].isalpha() else "0123456789"
    assert [each for each in last if check(number[:-1] + each)] == [number[-1]]


@given(st.integers(0, 10**18 - 1), st.sampled_from(sorted({*numbers.IBAN_LENGTHS})))
def test_an_iban_with_two_digits_exchanged_is_refused(account: int, country: str) -> None:
    length = numbers.IBAN_LENGTHS[country]
    body = str(account).zfill(length - 4)[-(length - 4) :]
    rest = int("".join(str(int(each, 36)) for each in body + country + "00")) % 97
    good = f"{country}{98 - rest:02d}{body}"
    assert numbers.iban(good)
    for at in range(4, length - 1):
        if good[at] != good[at + 1]:
            assert not numbers.iban(good[:at] + good[at + 1] + good[at] + good[at + 2 :])


@given(st.text(alphabet="0123456789+-/. ()@abDEé\n,;|phone:", max_size=200))
def test_findings_are_in_order_and_never_overlap(text: str) -> None:
    places = [(finding.start, finding.end) for finding in find_pii(text)]
    assert all(start < end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))


def test_every_row_of_a_column_of_birth_dates_is_found() -> None:
    assert [kind for kind, _ in found("p,birthdate\n1,1948-10-30\n2,2012-01-07\n3,1960-03-04")] == ["birth_date"] * 3


def test_of_a_text_crowded_with_addresses_all_to_its_end_is_found() -> None:
    text = "a@b.co " * (MOST_PLACES + 5)
    findings = find_pii(text)
    assert len(findings) == MOST_PLACES + 1
    assert (findings[-1].rule, findings[-1].end) == ("pii.email", len(text))
