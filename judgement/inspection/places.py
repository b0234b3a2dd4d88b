"""Secrets that are known by where they stand: in addresses of services, calls, files of credentials, sentences."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator

from .scan import Span, each, pattern, words
from .values import is_key, is_password, is_placeholder, is_random, is_strong

Check = Callable[[str], bool]

_FEWEST_DIGITS, _FEWEST_PAIR = 3, 6
_ALGORITHMS = words(
    """
    md5 sha1 sha256 sha512 sha-1 sha-256 sha-512 bcrypt2 argon2 argon2id pbkdf2 base64 utf8 utf-8 utf16 oauth2 rot13
    hs256 rs256 es256 aes128 aes256 aes-256 ed25519 x509 web3 http2
    """
)


def _given(value: str) -> bool:
    return not is_placeholder(value)


def _strong(value: str) -> bool:
    """What can hardly be a word: for forms that say little."""
    if value.lower() in _ALGORITHMS or "/" in value or not is_strong(value):
        return False
    return is_password(value, quoted=True, sure=None)


def _literal(value: str) -> bool:
    return is_password(value, quoted=True, sure=True)


def _key(value: str) -> bool:
    return is_key(value, quoted=True)


def _token(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= _FEWEST_DIGITS and is_key(value, quoted=True)


def _pair(value: str) -> bool:
    """Base64 of `user:password`."""
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).partition(b":")
    except binascii.Error:
        return False
    return bool(user and colon) and len(password) >= 1 and (user + password).isascii() and user.isalnum()


def _phrase(value: str) -> bool:
    return len(set(value.split())) >= _FEWEST_PAIR


_LITERAL = r"[\"']([^\"'\n]{3,128})[\"']"
_ARGUMENT = r"\s{0,8}[^,()\n]{1,256},"
_RULES: tuple[tuple[str, str, Check | None], ...] = (  # kind, pattern whose one group is the secret, what it must pass
    ("webhook", r"(https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,})", None),
    ("webhook", r"(https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/[0-9]{6,}/[A-Za-z0-9_-]{20,})", None),
    (
        "webhook",
        r"(https://(?:[a-z0-9-]+\.webhook|outlook)\.office(?:365)?\.com/webhook[a-z0-9]*/[^\s\"'<>]{40,})",
        None,
    ),
    ("webhook", r"(https://hooks\.zapier\.com/hooks/catch/[0-9]+/[A-Za-z0-9]+)", None),
    ("webhook", r"https?://[^\s/\"'<>]+/hooks/([A-Za-z0-9_/-]{20,})", _token),
    ("webhook", r"maker\.ifttt\.com/trigger/[^\s\"']+/key/([A-Za-z0-9_-]{16,})", None),
    ("recovery_key", r"\b([0-9]{6}(?:-[0-9]{6}){7})\b", None),  # BitLocker
    ("telegram_token", r"(?:\b|bot)([0-9]{8,10}:AA[A-Za-z0-9_-]{30,})", None),
    ("azure_secret", r"\b([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})", None),
    (
        "session",
        r"(?i:cookie): ?(?:[^\n]{0,512}?[ ;])??(?i:sess[a-z_-]*|[a-z]*sessid|[a-z.]*sid|auth[a-z_-]*)="
        r"([A-Za-z0-9%._+/-]{16,})",
        None,
    ),
    ("signature", r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%/+]{20,}={0,2})", None),
    ("registry_auth", r"\"auth\" ?: ?\"([A-Za-z0-9+/]{8,}={0,2})\"", _pair),
    ("url_token", r"://([A-Za-z0-9_-]{20,128})@[A-Za-z0-9]", _token),
    ("vault_token", r"(?i:vault[a-z_-]*)[\"']?[ :=]{1,3}[\"']?(s\.[A-Za-z0-9]{24})\b", is_random),
    ("url_password", r"(?i:jdbc:oracle:[a-z]+:)[^\s/\"']+/([^\s@\"']{3,128})@", _given),
    ("password", r"\bsqlplus [^\s/\n]*(?: [^\s/\n]+){0,3}/([^\s@\"'/]{3,128})@", _given),
    ("password", r"\blogin\s{1,8}[^\s]{1,128}\s{1,8}password\s{1,8}([^\s]{3,128})", _given),  # netrc
    ("password", r":(?:5432|5433|6432|\*):[^\s:]{1,64}:[^\s:]{1,64}:([^\s]{4,128})", _given),
    ("password", r"\bWIFI:[^\n]{0,128}?;P:((?:[^;\\\n]|\\.){3,128});", None),
    ("password", r"\bsnmp-server community ([^\s]{3,64})", _strong),
    (
        "password",
        r"\b(?:enable|username [^\s]{1,64}(?: privilege [0-9]+)?) (?:password|secret) [0-9] ([^\s]{3,128})",
        _given,
    ),
    (
        "recovery_phrase",
        r"(?i:mnemonic|(?:seed|recovery|backup)[ _-]?phrase)[\"']?(?:[ ]?[:=]| is| reads)[ ]?[\"']?"
        r"((?:[a-z]{3,8} ){11,23}[a-z]{3,8})",
        _phrase,
    ),
    ("password", r"(?i:(?:name|key)=\"[^\"<>\n]{0,64}passw(?:or)?d\")[^<>\n]{0,64}>([^<>\n]{3,128})</", _literal),
    ("key", r"(?i:(?:name|key)=\"[^\"<>\n]{0,64}(?:api_?key|token|secret)\")[^<>\n]{0,64}>([^<>\n]{8,256})</", _key),
    (
        "password",
        rf"(?i:(?:\bwith|\bset|\.|_)_?(?:password|passwd|passphrase|pwd))\({_LITERAL}",
        _strong,
    ),
    (
        "password",  # auth=("user", "password")
        r"(?i:auth|authenticat(?:e|ion)|credentials?|login|sign_?in)(?: ?= ?)?\(\s{0,8}"
        rf"[\"'][^\"'\n]{{1,128}}[\"'],\s{{0,8}}{_LITERAL}",
        _strong,
    ),
    (
        "password",  # connect(host, user, "password")
        rf"(?i:connect(?:ion)?|new mysqli|new pdo)\({_ARGUMENT}\s{{0,8}}"
        rf"(?:[\"'][^\"'\n]{{1,128}}[\"']|(?i:\w{{0,32}}user\w{{0,32}})),\s{{0,8}}{_LITERAL}",
        _strong,
    ),
    (
        "password",  # credentials: user / password
        r"(?i:\bcreds|credentials?|\blog-?in(?: details| data)?|zugangsdaten|identifiants|credenciales|credenziali|"
        r"user/pass(?:word)?)(?: (?:for|to) [^\s:]{1,40})?(?i: are| is| sind| sont| son| sono|:| =) {1,3}[\"'`]?"
        r"[A-Za-z0-9._@+-]{1,64}(?: ?[:/] ?)([^\s\"'`,;]{5,128})",
        _strong,
    ),
    (
        "password",  # somebody's account on a host
        r"\b(?:root|admin|administrator|ubuntu|postgres|deploy|pi|sa|oracle|backup|ec2-user|guest|test|operator):"
        r"([^\s:@/\"'<>]{8,64})@[A-Za-z0-9]",
        _strong,
    ),
)
_PLACE = pattern("|".join(f"(?:{source})" for _, source, _ in _RULES))
# One of these stands in each of them.
HINTS = (
    r"(?i:webhook|hooks|ifttt|cookie:|vault|oracle:|sqlplus|login|WIFI:|snmp-|enable |username |mnemonic|phrase|"
    r"\bcreds|credential|zugangsdaten|identifiants|credenciales|credenziali|user/pass|auth|sign_?in|connect|mysqli|"
    r"new pdo)|:AA|Q~|[0-9]{6}-[0-9]{6}-|[?&](?:sig|X-)|://[A-Za-z0-9_-]{20}|:(?:5432|5433|6432|\*):|"
    r"\b(?:root|admin|administrator|ubuntu|postgres|deploy|pi|sa|oracle|backup|ec2-user|guest|test|operator):"
)


_AFTERWARDS = pattern(  # tide-7 is the password
    r"[\"'`]? (?i:(?:as|is|was) (?:the|my|your|our|their|his|her|its|a)"
    r"(?: new| old| current| temporary| root| admin| wifi| test| staging| shared| master| database| db){0,2}"
    r" (?:password|passwd|passphrase|passcode|pw))"
    r"(?:[.,;:!?)\n]|\z|(?i: for| on| to| of| now| until| there| here| again| please| and| but| so))"
)
_LONGEST_WORD = 64


def said_before(text: bytes) -> Iterator[Span]:
    """Words of which the sentence goes on to say that they are the password."""
    for match in each(_AFTERWARDS, text):
        end = match.start()
        before = text[max(0, end - _LONGEST_WORD) : end].split()
        start = end - len(before[-1].lstrip(b"\"'`")) if before and not text[end - 1 : end].isspace() else end
        if start < end and _strong(text[start:end].decode("latin-1")):
            yield start, end, "password"


def placed(text: bytes) -> Iterator[Span]:
    """Webhooks, bot tokens, signatures of signed addresses, and passwords in calls, files and sentences."""
    for match in each(_PLACE, text):
        place = match.lastindex or 1
        start, end = match.span(place)
        kind, _, check = _RULES[place - 1]
        if check is None or check(text[start:end].decode("latin-1")):
            yield start, end, kind
