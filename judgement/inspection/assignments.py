"""Secrets that are known by the name they are given to: in code, configuration, tables of settings, prose, commands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from .scan import Match, Span, each, pattern, words
from .values import is_key, is_password, is_placeholder, is_random, is_strong

_PASSWORDS = (
    r"passwo?r[dt]e?s?|passwd|passphrase|passcode|kennwort|losenord|l\xf6senord|contrase(?:\xf1|n|ny)a|senha|wachtwoord|"
    r"salasana|has\x3fo|adgangskode|parola|heslo|jelsz\xf3|lozinka|geslo|kata[ _]sandi|pword|passwrd|"
    r"mot[ _-]?de[ _-]?passe|mdp|pwd|pw|psk|pass"
)
_KEYS = (
    r"secret|token|credentials?|pat|apikey|webhook|schl\xfcssel|"
    r"(?:api|access|secret|private|auth|account|encryption|encrypt|signing|sign|master|shared|service|storage|license|"
    r"app|client|session|webhook|deploy|bot|write|admin|root|hmac|jwt|aes|salt)[ _-]?key|(?:totp|otp|mfa|2fa)[ _-]?seed"
)
_NAME = rf"(?i:{_PASSWORDS}|{_KEYS}|\bkey\b)"
_IS = r"is|ist|lautet|war|was|est|es|\xe9|\xe8|era|\xe4r|er|on|now|set to|changed to|reads|are|=|:"
_ASSIGNED = pattern(
    rf"(?:{_NAME})([A-Za-z0-9_.-]*)(?:"
    r"([ ]?:[ ]?[A-Za-z&][A-Za-z_.<>?]{2,24} ?= ?|"  # name: Type =
    r"\\?[\"'\]]{0,2}[ \t]{0,40}(?:=>|:=|==?|%3[Dd]|:)[ \t]{0,40}|"  # name = , "name":
    r">|[\"'],[ \t]{0,4})"  # <name>, ("name",
    r"|([\"']?,?\s{1,20}[\"']?(?i:value)[\"']?[ \t]{0,3}[:=][ \t]{0,3})"  # name: X / value: ..., <add key= value=
    rf"|((?:'s)?(?:[ \t]+[^\s.,;:=\"'()<>|]+){{0,6}}?(?:[ \t]+(?i:{_IS})|'s|:)[ \t]+"
    r"(?i:now |currently |still |just |: )?)"
    r"|([ \t]{1,4})"  # --password X, netrc, SQL
    r")"
)
_FOLLOWED = pattern(rf"(?:{_NAME})([A-Za-z0-9_.-]*)(?:(\z.)|(\z.)|(\z.)|([ \t]{{1,4}}))")  # by a blank; groups as above
_SAID = pattern(  # pw on the box is ...: `on` names the place; groups as above
    rf"(?:{_NAME})([A-Za-z0-9_.-]*)(?:(\z.)|(\z.)|"
    r"((?:[ \t]+[^\s.,;:=\"'()<>|]+){1,6}?[ \t]+(?i:is|ist|lautet|est|es|\xe8|\xe9|\xe4r|er)[ \t]+)|(\z.))"
)
HINTS = _NAME

_WEAK = frozenset(["pass", "pw", "pat", "pwd", "psk", "parola", "heslo", "geslo", "webhook"])
_NOT = words(
    """
    name names file files path dir url uri id ids hash hashes digest type types length len size field fields ref
    refs policy expiry expires expiration ttl count counter limit label hint prompt env var regex pattern format
    provider manager reset input prefix suffix column version algorithm at in age min max enabled required valid
    error msg message store storage rotation endpoint placeholder confirm confirmation check checker validator rule
    rules info template class bucket budget usage rate per host user description title text1 help link page state
    status strength alias index offset types arn selector mount volume backend scope scopes namespace kind source
    method mode group requirements bytes s
    """
)
_NEVER_BEFORE = words(
    """
    next page continuation sync cursor progress csrf xsrf mask bos eos pad unk cls sep num max min total stop end
    start special prompt completion input output previous no without
    """
)
_TRAILING = words(
    """
    value text plain plaintext prod production dev test staging live new old default raw b64 base
    """
)
_SHORTEST = 3
_MOST_VALUE, _MOST_BARE, _MOST_NAME = 1024, 256, 40
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_QUOTES = b"\"'`"
_VALUE = pattern(r"[^\s\"'`<>,;&|\\]*")
_QUOTED = {quote: pattern(rf"(?:[^{chr(quote)}\\\r\n]|\\.)*") for quote in _QUOTES}
_ESCAPED = pattern(r"[^\"\\\r\n]*")


def assigned(text: bytes) -> Iterator[Span]:
    """Values under the names of passwords, tokens and keys."""
    taken = 0
    for match in each(_ASSIGNED, text):
        if match.start() >= taken:
            span = _assigned(text, match)
            if span is None and match.start(4) >= 0:
                span = _assigned_again(text, match.start())
            if span:
                taken = span[1]
                yield span


def _assigned_again(text: bytes, at: int) -> Span | None:
    """What a sentence says otherwise: auth token 4f.. was rejected, the pw on the box is ..."""
    for source in (_FOLLOWED, _SAID):
        match = source.match(text, at)
        span = _assigned(text, match) if match else None
        if span:
            return span
    return None


def _assigned(text: bytes, match: Match) -> Span | None:
    found = _value(text, match.end())
    if found is None or found[1] - found[0] < _SHORTEST:
        return None
    start, end, quoted = found
    value = text[start:end].decode("latin-1")
    if not quoted and (match.start(4) >= 0 or match.start(5) >= 0) and not is_strong(value):
        return None
    kind = _kind(_whole_name(text, match))
    if kind and _holds(kind, value, match, text, quoted, end):
        return start, end, "password" if kind in ("password", "weak") else "key"
    return None


def _whole_name(text: bytes, match: Match) -> str:
    begin, end = match.start(), match.end(1)
    floor = max(0, begin - _MOST_NAME)
    while begin > floor and text[begin - 1] in _NAME_BYTES:
        begin -= 1
    return text[begin:end][: 2 * _MOST_NAME].decode("latin-1")


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    """password, weak (a name that is often something else), key, or nothing."""
    parts = _parts(name.replace(" ", "_"))
    while len(parts) > 1 and (parts[-1] in _TRAILING or parts[-1].isdigit()):
        parts.pop()
    if not parts or parts[-1] in _NOT or not _NEVER_BEFORE.isdisjoint(parts[:-1]):
        return ""
    last = parts[-1].rstrip("0123456789")
    if len(parts) == 1 and last in _WEAK:
        return "weak"
    if last == "key" and len(parts) == 1:
        return "random"
    if any(_ONLY_PASSWORD.match(word.encode("latin-1", "replace")) for word in (last, "_".join(parts))):
        return "password"
    if _ONLY_KEY.match("-".join(parts).encode("latin-1", "replace")):
        return "key"
    return ""


_ONLY_PASSWORD = pattern(rf"(?i)(?:[a-z]{{0,24}})(?:{_PASSWORDS})\z")
_ONLY_KEY = pattern(rf"(?i)(?:.*[^a-z])?(?:[a-z]{{0,16}})(?:{_KEYS})\z")


def name_kind(name: str) -> str:
    """What a member of this name holds: password, weak, key, or nothing."""
    return _kind(name) if HINTED.search(name.encode("latin-1", "replace")) else ""


HINTED = pattern(_NAME)


def _parts(name: str) -> list[str]:
    """`dbPassword`, `DB_PASSWORD`, `db-password` -> [db, password]."""
    out: list[str] = []
    word = ""
    for character, after in zip(name, name[1:] + " ", strict=True):
        if character in "_-. ":
            out, word = [*out, word], ""
        elif character.isupper() and word and (word[-1].islower() or (after.islower() and word[-1].isupper())):
            out, word = [*out, word], character
        else:
            word += character
    return [part.lower() for part in [*out, word] if part]


def _value(text: bytes, at: int) -> tuple[int, int, bool] | None:
    """Where the value that begins here stands, and whether in quotes."""
    if text[at : at + 2] in (b'b"', b"b'", b'r"', b"r'", b'u"', b'@"', b'L"') or (
        text[at : at + 1] == b"(" and text[at + 1 : at + 2] in (b'"', b"'")
    ):
        at += 1
    if text[at : at + 2] == b'\\"':  # JSON inside of JSON
        found = _ESCAPED.match(text, at + 2, at + 2 + _MOST_VALUE)
    elif text[at : at + 1] and text[at] in _QUOTES:
        found = _QUOTED[text[at]].match(text, at + 1, at + 1 + _MOST_VALUE)
    else:
        found = _VALUE.match(text, at, at + _MOST_BARE)
        if found is None or found.end() == at:
            return None
        end = found.end()
        while end > at and text[end - 1] in b".:)]}?":
            end -= 1
        return at, end, False
    return None if found is None or found.end() == found.start() else (found.start(), found.end(), True)


def _holds(kind: str, value: str, match: Match, text: bytes, quoted: bool, end: int) -> bool:
    """Whether the value is a secret, by its name's kind and by what stands between the two."""
    sign = match.group(2) if match.start(2) >= 0 else b""
    if not _stands(sign, match, text, quoted, end):
        return False
    if match.start(4) >= 0 or match.start(5) >= 0:
        return _told(kind, value, match, text, quoted, end)
    if kind == "weak" and not quoted and not is_strong(value):
        return False
    tight = bool(sign) and sign == sign.strip()
    alone = (tight and b":" not in sign) or (text[end : end + 1] in (b"", b"\n", b"\r") and "_" not in value)
    compared = sign.strip(b"\\\"'] \t") == b"=="  # with what is written out in the code, or with a name
    return _fits(kind, value, quoted=quoted, sure=quoted or (alone and not compared))


def _told(kind: str, value: str, match: Match, text: bytes, quoted: bool, end: int) -> bool:
    """Whether it is one in prose (`the password is ...`), or after nothing but a blank (`--password ...`)."""
    if match.start(4) >= 0:
        between = match.group(4).decode("latin-1").lower().strip(" :").split()
        if not _NOT.isdisjoint(between[:1]):
            return False  # the name of something else: a password hash, a token limit
    elif kind == "random" or (kind == "weak" and (quoted or not _is_mixed(value))):
        return False
    if quoted:
        return _fits(kind, value, quoted=True, sure=True)
    return is_strong(value) and _fits(kind, value, quoted=False, sure=None) and text[end : end + 1] != b"("


def _stands(sign: bytes, match: Match, text: bytes, quoted: bool, end: int) -> bool:
    """Whether `>` ends an element's name, and whether a comma parts the arguments of a call: ("name", "value")."""
    if sign == b">":
        return text[end : end + 2] == b"</"
    if b"," in sign:
        begin = text.rfind(b"(", max(0, match.start() - _MOST_NAME), match.start())
        return (
            quoted
            and begin >= 0
            and text[begin + 1 : begin + 2] in (b"'", b'"')
            and b"," not in text[begin : match.start()]
        )
    return True


def _is_mixed(value: str) -> bool:
    return is_strong(value) and any(map(str.isdigit, value)) and not value.isalnum()


def _fits(kind: str, value: str, *, quoted: bool, sure: bool | None) -> bool:
    if kind == "random":
        return is_random(value) and is_key(value, quoted=quoted)
    return is_key(value, quoted=quoted) if kind == "key" else is_password(value, quoted=quoted, sure=sure)


_BARE = r"[^\s\"'`|;&<>]+"
_ARGUMENT = rf"(?:\"[^\"\n]+\"|'[^'\n]+'|{_BARE})"
_FLAGS = (  # programs, and how they take a password
    (r"mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mysqlsh", r"-p"),
    (r"psexec|winrs|winexe", r"-p[ ]"),
    (r"plink|pscp|psftp", r"-pw[ ]"),
    (r"ssh-keygen", r"-[NP][ ]"),
    (r"lftp|ncftp|smbclient", r"-u[ ][^\s,]{1,64},"),
    (r"sshpass|7z|7za|7zz|rar|unrar", r"-p ?"),
    (
        r"docker[ ]+login|podman[ ]+login|helm[ ]+registry[ ]+login|oc[ ]+login|az[ ]+login|twine|mongo|mongosh|"
        r"mongodump",
        r"-p[ =]",
    ),
    (r"zip|unzip|sqlcmd|bcp|ipmitool", r"-P ?"),
    (r"redis-cli|valkey-cli", r"-a[ ]"),
    (r"ldapsearch|ldapmodify|ldapadd|ldapwhoami", r"-w[ ]"),
    (r"curl|wget|http|https|xh", r"(?:-u|-a|--user|--auth|--proxy-user)[ =]?[\"']?[^\s\"':]+:"),
    (r"smbclient|rpcclient|crackmapexec|winexe", r"-U[ ]?[\"']?[^\s\"'%]+%"),
    (r"openssl", r"(?:-pass(?:in|out)?[ ]pass:|-k[ ])"),
)
_COMMAND = pattern("|".join(rf"\b(?:{programs})(?:[ ][^\n|;]*?)?[ ]{flag}({_ARGUMENT})" for programs, flag in _FLAGS))
_OTHER = pattern(
    r"(?i)identified (?:with [a-z_0-9]+ )?by (?:password )?'([^'\n]+)'"
    r"|\b(?:require|master)(?:pass|auth)[ ]+([^\s\"']+)"
    rf"|echo [\"']?[a-z_][a-z0-9_-]*:([^\s\"'|]+)[\"']? *\| *(?:sudo )?chpasswd"
    r"|\bnet1? user [^\s/]+ ([^\s/][^\s]*)"
    r"|convertto-securestring (?:-string )?[\"']([^\"'\n]+)[\"']"
    rf"|echo ({_ARGUMENT}) *\| *(?:sudo -S|passwd --stdin|docker login|openssl|kinit|cryptsetup)"
)
COMMAND_HINTS = (
    r"mysql|mariadb|sshpass|\b7z|rar |[ ]login|twine|mongo|ipmitool|zip |sqlcmd|bcp |-cli|ldap|curl|wget|\bhttps? |xh |"
    r"smbclient|rpcclient|openssl|psexec|winrs|winexe|plink|pscp|psftp|ssh-keygen|"
    r"lftp|ncftp|(?i:identified|requirepass|masterauth|chpasswd|net1? user|securestring)|echo "
)


def on_command_lines(text: bytes) -> Iterator[Span]:
    """Passwords in the flags of programs that take them there."""
    for source in (_COMMAND, _OTHER):
        for match in each(source, text):
            group = next(group for group in range(1, 24) if match.start(group) >= 0)
            start, end = match.start(group), match.end(group)
            if text[start] in _QUOTES and end - start >= _SHORTEST:
                start, end = start + 1, end - 1
            value = text[start:end].decode("latin-1")
            if len(value) >= _SHORTEST and not value.startswith("-") and not is_placeholder(value):
                yield start, end, "password"
