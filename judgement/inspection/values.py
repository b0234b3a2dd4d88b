"""Whether what is assigned to a secret's name is a secret, or a placeholder, a reference or a piece of code."""

# ruff: noqa: PLR2004 - lengths and counts are the rule itself, and the docstrings say it

from __future__ import annotations

from itertools import pairwise

import re2

from .scan import words

_REFERS = (  # to a place where the secret is kept, or to how it is had
    "$",
    "<",
    "{",
    "%(",
    "%{",
    "#{",
    "[",
    "(",
    "@{",
    "&",
    "*",
    "!",
    "...",
    "--",
    "./",
    "../",
    "~/",
    "/run/",
    "/etc/",
    "/var/",
    "/home/",
    "/secrets/",
    "env:",
    "env.",
    "file:",
    "vault:",
    "op://",
    "arn:",
    "ssm:",
    "sm://",
    "ref+",
    "projects/",
    "secretref:",
    "keyring:",
    "http://",
    "https://",
    "sha256:",
    "pbkdf2",
    "scrypt:",
    "argon2",
    "bcrypt",
    "enc[",
    "enc(",
    "redacted",
)
_LOUD = (
    *("changeme", "change-me", "change_me", "placeholder", "redacted", "dummy", "replace", "insert", "fixme"),
    *("yourpass", "yourtoken", "yourkey", "yoursecret", "yourapi"),
)
_LOUD_PARTS = words(
    """
    your example sample todo xxx here foo bar foobar baz
    """
)
_DECLARED = words(
    """
    str string text bytes byte char varchar int integer number float bool boolean any object array list dict map
    uuid secretstr optional required none null nil undefined true false yes no on off ok empty unset missing invalid
    incorrect wrong correct expired valid hidden visible protected encrypted hashed plain plaintext masked default
    basic digest bearer oauth oauth2 jwt saml ldap self this user username login email reset change changed forgot
    forgotten update updated disabled enabled prompt ask input stdin env environment vault file keyring new old
    current confirm confirmed repeat again await return function lambda async const let var get set post put and or
    not the a an is are was in to for with from your my our their his her its it that which must should can may will
    has have if then else when auto generated random accepted rejected denied failed success never always type
    readonly static public private final abstract import export class def field value values key keys token tokens
    secret secrets password passwords passwd pwd pass passphrase credential credentials apikey name id only
    authentication authorization management manager policy policies rotation strength length protection recovery
    hashing grant header bucket limit usage count counts per week month year day sure safe weak strong short long
    different same sent stored saved used needed unknown known given set unchanged
    """
)
_PHRASE_STOP = words(
    """
    must should is are the has have your enter please not invalid incorrect required too short long of be can may a
    an at least for to with and or in this that cannot characters forgot reset here will it was
    """
)
_SPECIAL = frozenset("!@#$%^&*+?~=")
_NAMES = ("password", "passwd", "secret", "token", "apikey", "api_key", "pwd", "passwort", "credential")
_REFERENCE = re2.compile(
    r"\$[A-Za-z_][A-Za-z0-9_]*|\$\{?\(?[A-Za-z_].*|%[A-Za-z_]+%|\$(?:2[abxy]|5|6|1|y|argon2\w*)\$.*"
)
_DOTTED = re2.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:(?:\.|::|->)[A-Za-z_][A-Za-z_0-9]*)+")
_SLUG = re2.compile(
    r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+|v?[0-9]{1,4}|q[1-4])(?:[-_./: ](?:[a-z]+|[A-Z]+|[A-Z][a-z]+|v?[0-9]{1,4}|q[1-4]))*"
)
_KEY_FORM = re2.compile(r"[A-Za-z0-9_+/=.~:@!#%$&*,;^?()|-]+")
_MOST, _LEAST_KEY = 4096, 8


def is_placeholder(value: str) -> bool:
    """Whether it stands for a value: `<YOUR_KEY>`, `${TOKEN}`, `xxxx`, `changeme`, a path, a hash."""
    low = value.lower()
    if low.startswith(_REFERS) and (value[0] not in "$!*&([{#" or _stands_for(value)):
        return True
    if set(low) <= set("*x.-_?#0 •"):
        return True
    return any(word in low for word in _LOUD) or not _LOUD_PARTS.isdisjoint(_parts(low))


def _stands_for(value: str) -> bool:
    """A sign at the beginning may belong to a password, too: `$aBc!` does, `$TOKEN` refers."""
    first = value[0]
    if first == "$":
        return bool(_REFERENCE.fullmatch(value))
    if first in "!*&":
        return value[1:].isalpha() or set(value) == {first} or value.startswith(("!Ref", "!Sub", "!vault", "!ENV"))
    return True


def is_password(value: str, *, quoted: bool, sure: bool | None) -> bool:
    """Whether it is a password.

    Args:
        value: what was assigned.
        quoted: it stood in quotes.
        sure: the sign between name and value leaves no doubt (`=` without blanks, a quote); None in prose.
    """
    if not 3 <= len(value) <= _MOST or is_placeholder(value) or value.lower() in _DECLARED:
        return False
    if " " in value:
        return _is_phrase(value)
    if not quoted and _is_code(value, dotted=sure is not None):
        return False
    if _mentions_itself(value):
        return False
    if value.replace("-", "").replace("_", "").isalpha():
        return bool(sure) and len(value) >= 4
    return len(value) >= 4


def is_key(value: str, *, quoted: bool) -> bool:
    """Whether it is a key or a token: long enough, and neither words nor code."""
    if not _LEAST_KEY <= len(value) <= _MOST or " " in value or is_placeholder(value):
        return False
    if (not quoted and _is_code(value)) or _mentions_itself(value) or _SLUG.fullmatch(value):
        return False
    if not _KEY_FORM.fullmatch(value):
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not letters:
        return digits >= _LEAST_KEY and digits != len(value)
    mixed = digits > 0 or (len(value) >= 16 and value.lower() != value != value.upper() and not value.isalpha())
    return (mixed or _is_tangled(value)) and len(set(value)) >= 5


def is_random(value: str) -> bool:
    """Whether it is long, of large and small letters and digits: what even `key` may not be innocently."""
    return len(value) >= 20 and value.lower() != value != value.upper() and sum(map(str.isdigit, value)) >= 3


def is_strong(value: str) -> bool:
    """Whether it can hardly be a word of the sentence: it has a sign, or letters and digits."""
    if len(value) < 5:
        return False
    has_digit, has_letter = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    return (has_digit and has_letter) or (len(value) >= 6 and not _SPECIAL.isdisjoint(value[:-1]))


def _is_tangled(value: str) -> bool:
    """Letters alone, but large and small ones as no word has them."""
    turns = sum(a.islower() and b.isupper() for a, b in pairwise(value))
    return value.isalpha() and len(value) >= 16 and turns >= len(value) // 5


def _is_phrase(value: str) -> bool:
    words = value.lower().split()
    return 3 <= len(words) <= 12 and _PHRASE_STOP.isdisjoint(words) and all(word.isalnum() for word in words)


def _is_code(value: str, *, dotted: bool = True) -> bool:
    return any(sign in value for sign in "()[]{}") or (dotted and bool(_DOTTED.fullmatch(value)))


def _mentions_itself(value: str) -> bool:
    """`user_password`, `TokenStore`: the name of something that holds one."""
    low = value.lower()
    return any(name in low for name in _NAMES) and not any(map(str.isdigit, value)) and _SPECIAL.isdisjoint(value)


def _parts(low: str) -> set[str]:
    for sign in "-_./:":
        low = low.replace(sign, " ")
    return set(low.split())
