"""The check digits of numbers that name a person or an account. Each takes digits and letters without separators."""

# ruff: noqa: PLR2004 - lengths, ranges and moduli are those of the standards that each function names

from __future__ import annotations

from collections.abc import Callable

from .scan import words

# Length of an IBAN by country: SWIFT's IBAN registry.
_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_LENGTHS = {country: length for length, names in _BY_LENGTH.items() for country in names.split()}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_NIE_DIGIT = {"X": "0", "Y": "1", "Z": "2"}
# Of A to Z in odd places; 0 to 9 have the values of A to J.
_CF_LETTERS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_CF_ODD = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", _CF_LETTERS + _CF_LETTERS[:10], strict=True))

_NINO_NEVER = words(
    """
    BG GB KN NK NT TN ZZ
    """
)
# Multiplication in the dihedral group of order ten, and the permutation: J. Verhoeff, Error Detecting Decimal Codes.
_DIHEDRAL = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += _DOUBLED[int(digit)] if place % 2 else int(digit)
    return total % 10 == 0


def payment_card(digits: str) -> bool:
    """A number of a known issuer, of that issuer's length, that passes Luhn."""
    return len(set(digits)) > 1 and _issued(digits, len(digits)) and luhn(digits)


def _issued(digits: str, length: int) -> bool:  # noqa: PLR0911 - one issuer each
    two, four = int(digits[:2]), int(digits[:4])
    if digits[0] == "4":  # Visa
        return length in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return length == 16
    if two in (34, 37):  # American Express
        return length == 15
    if 3528 <= four <= 3589 or four == 6011 or two == 65 or 644 <= int(digits[:3]) <= 649:  # JCB, Discover
        return 16 <= length <= 19
    if two in (36, 38, 39) or 300 <= int(digits[:3]) <= 305:  # Diners Club
        return 14 <= length <= 19
    if two == 62:  # UnionPay
        return 16 <= length <= 19
    return four in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763) and 12 <= length <= 19  # Maestro


def iban(text: str) -> bool:
    """ISO 13616: the country's length, and 1 modulo 97."""
    if len(text) != IBAN_LENGTHS.get(text[:2]) or not text.isascii() or not text.isalnum():
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def us_ssn(digits: str) -> bool:
    """Area, group and serial that are given out; there is no check digit."""
    return (
        len(digits) == 9
        and digits[:3] not in ("000", "666")
        and digits[0] != "9"
        and digits[3:5] != "00"
        and digits[5:] != "0000"
        and len(set(digits)) > 1
    )


def uk_nino(text: str) -> bool:
    """Prefix letters that are given out (HMRC, NIM39110), or QQ, which stands for one in examples."""
    if text[:2] == "QQ":
        return True
    return text[0] not in "DFIQUV" and text[1] not in "DFIOQUV" and text[:2] not in _NINO_NEVER


def uk_nhs(digits: str) -> bool:
    """Modulus 11 of ten digits: NHS data dictionary."""
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return check != 10 and check % 11 == int(digits[9])


def de_tax_id(digits: str) -> bool:
    """ISO 7064 MOD 11,10 of eleven digits, of which one stands two or three times among the first ten."""
    if len(digits) != 11 or digits[0] == "0" or len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def fr_nir(text: str) -> bool:
    """Sex, month and department that exist, and the key of 97; Corsica's 2A and 2B count as 19 and 18."""
    number = text.upper().replace("2A", "19").replace("2B", "18")
    if len(number) != 15 or not number.isdigit() or number[0] not in "123478":
        return False
    month = int(number[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(number[:13]) % 97 == int(number[13:])


def es_nif(text: str) -> bool:
    """Letter by modulus 23, of a DNI or, with a leading X, Y or Z, a NIE."""
    text = text.upper()
    digits = _NIE_DIGIT.get(text[0], text[0]) + text[1:8]
    return len(text) == 9 and digits.isdigit() and text[8] == _NIF_LETTERS[int(digits) % 23]


def it_cf(text: str) -> bool:
    """The check letter of the codice fiscale (decree of 23 December 1976)."""
    text = text.upper()
    total = sum(
        (int(character, 36) - (10 if character.isalpha() else 0)) if place % 2 else _CF_ODD[character]
        for place, character in enumerate(text[:15])
    )
    return len(text) == 16 and text[15] == chr(65 + total % 26) and sum(map(str.isdigit, text)) >= 3


def nl_bsn(digits: str) -> bool:
    """The eleven test, of nine digits."""
    if len(digits) != 9 or len(set(digits)) == 1:
        return False
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits[:8])) - int(digits[8])
    return total % 11 == 0


def ca_sin(digits: str) -> bool:
    """Luhn, of nine digits that don't begin with 8."""
    return len(digits) == 9 and digits[0] != "8" and len(set(digits)) > 1 and luhn(digits)


def in_aadhaar(digits: str) -> bool:
    """Verhoeff, of twelve digits that don't begin with 0 or 1."""
    if len(digits) != 12 or digits[0] in "01":
        return False
    check = "0"
    for place, digit in enumerate(reversed(digits)):
        check = _DIHEDRAL[int(check)][int(_PERMUTED[place % 8][int(digit)])]
    return check == "0"


def br_cpf(digits: str) -> bool:
    """Two check digits modulo 11, of eleven digits that aren't all the same."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digit) * (length + 1 - place) for place, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


CHECKS: dict[str, Callable[[str], bool]] = {
    check.__name__: check
    for check in (
        payment_card,
        us_ssn,
        uk_nino,
        uk_nhs,
        de_tax_id,
        fr_nir,
        es_nif,
        it_cf,
        nl_bsn,
        ca_sin,
        in_aadhaar,
        br_cpf,
    )
}
