"""Secrets that are known by their shape alone: what issuers put in front of their keys and tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .scan import Match, Span, each, pattern

_LONGEST_WORD, _LONGEST_NUMBER, _MOST_PASSWORD = 15, 4, 256
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True, slots=True)
class _Shape:
    kind: str
    begins: str  # literal beginnings, parted by blanks
    rest: str
    exact: int = 0  # characters in all, where a longer run is something else


_SHAPES = (
    _Shape("aura_token", "aura_", r"[A-Za-z0-9_-]{43,}", 48),
    _Shape("stripe_key", "sk_live_ sk_test_ rk_live_ rk_test_", r"[A-Za-z0-9]{16,}"),
    _Shape("stripe_key", "whsec_", r"[A-Za-z0-9+/]{24,}"),
    _Shape("api_key", "sk-", r"[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic, OpenRouter, DeepSeek
    _Shape("google_refresh", "1//0", r"[A-Za-z0-9_-]{30,}"),
    _Shape("mapbox_token", "sk.eyJ tk.eyJ", r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
    _Shape("facebook_token", "EAAB EAAC EAAD EAAG EAAJ", r"[A-Za-z0-9]{30,}"),
    _Shape("amazon_mws", "amzn.mws.", r"[0-9a-f]{8}-[0-9a-f-]{27}"),
    _Shape("alibaba_key", "LTAI", r"[A-Za-z0-9]{12,26}"),
    _Shape("tencent_key", "AKID", r"[A-Za-z0-9]{32}"),
    _Shape("heroku_key", "HRKU-", r"[A-Za-z0-9_-]{36,}"),
    _Shape("dropbox_token", "sl.", r"[A-Za-z0-9_-]{100,}"),
    _Shape("api_key", "sbp_ pscale_tkn_ pscale_pw_ rzp_live_ CFPAT- CCIPAT_ bkua_ ops_eyJ tfp_", r"[A-Za-z0-9_-]{20,}"),
    _Shape("api_key", "xkeysib- dp.pt. dp.st. dt0c01. vercel_ re_live_", r"[A-Za-z0-9_.-]{24,}"),
    _Shape("api_key", "gsk_ xai- pplx- r8_ fw_ nvapi- csk-", r"[A-Za-z0-9]{24,}"),
    _Shape("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,}"),
    _Shape("github_token", "github_pat_", r"[A-Za-z0-9_]{22,}"),
    _Shape("gitlab_token", "glpat- glptt- gldt- glrt- glcbt- glft- glsoat-", r"[A-Za-z0-9_.-]{20,}"),
    _Shape("bitbucket_token", "ATBB ATATT3x", r"[A-Za-z0-9_=-]{28,}"),
    _Shape("aws_key_id", "AKIA ASIA", r"[0-9A-Z]{16,}", 20),
    _Shape("google_key", "AIza", r"[0-9A-Za-z_-]{35,}", 39),
    _Shape("google_secret", "GOCSPX- ya29.", r"[0-9A-Za-z_-]{20,}"),
    _Shape("slack_token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"[A-Za-z0-9-]{10,}"),
    _Shape("slack_token", "xapp- xoxe.xoxp- xoxe.xoxb-", r"[A-Za-z0-9-]{20,}"),
    _Shape("npm_token", "npm_", r"[A-Za-z0-9]{36,}", 40),
    _Shape("pypi_token", "pypi-", r"[A-Za-z0-9_-]{50,}"),
    _Shape("rubygems_token", "rubygems_", r"[a-f0-9]{48}"),
    _Shape("hf_token", "hf_", r"[A-Za-z0-9]{30,}"),
    _Shape("sendgrid_key", "SG.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _Shape("twilio_key", "SK", r"[0-9a-f]{32}", 34),
    _Shape("mailgun_key", "key-", r"[0-9a-f]{32}", 36),
    _Shape("shopify_token", "shpat_ shpca_ shppa_ shpss_", r"[a-fA-F0-9]{32}"),
    _Shape("square_token", "sq0atp- sq0csp- EAAAE", r"[A-Za-z0-9_-]{22,}"),
    _Shape("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{64}"),
    _Shape("docker_token", "dckr_pat_ dckr_oat_", r"[A-Za-z0-9_-]{20,}"),
    _Shape("vault_token", "hvs. hvb. hvr.", r"[A-Za-z0-9_-]{24,}"),
    _Shape("grafana_token", "glsa_ glc_", r"[A-Za-z0-9_+/=-]{32,}"),
    _Shape("databricks_token", "dapi", r"[a-f0-9]{32}"),
    _Shape("linear_key", "lin_api_ ntn_ secret_ figd_", r"[A-Za-z0-9]{36,}"),
    _Shape("newrelic_key", "NRAK- NRJS- NRII-", r"[A-Za-z0-9]{19,}"),
    _Shape("postman_key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    _Shape("sentry_token", "sntrys_ sntryu_", r"[A-Za-z0-9_+/=-]{40,}"),
    _Shape("tailscale_key", "tskey-", r"[A-Za-z0-9]{2,}-[A-Za-z0-9-]{16,}"),
    _Shape("fly_token", "fo1_ fm2_", r"[A-Za-z0-9_+/=-]{40,}"),
    _Shape("pulumi_token", "pul-", r"[a-f0-9]{40}"),
    _Shape("age_key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    _Shape("jwt", "eyJ", r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    _Shape("jwt", "eyJ", r"[A-Za-z0-9_-]{16,}\.\.?[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]{8,}"),
)


def _quoted(begins: str) -> str:
    return "|".join(begin.replace(".", r"\.").replace("+", r"\+") for begin in begins.split())


_TOKEN = pattern(
    r"(?:\A|[^A-Za-z0-9_-])(?:" + "|".join(f"(?:{_quoted(shape.begins)}){shape.rest}" for shape in _SHAPES) + ")"
)
# By its beginning; where two shapes share one, they share the kind too.
_KINDS = {begin.encode(): shape for shape in reversed(_SHAPES) for begin in shape.begins.split()}
_BEGINS = tuple(sorted(_KINDS, key=len, reverse=True))
BEGINNINGS = "|".join(_quoted(shape.begins) for shape in _SHAPES)

_URL = pattern(r"://([^\s/:@?#\[\]<>\"'`]*):([^\s/?#<>\"'`]+)@")
_HEADER = pattern(
    r"(?i)\b(?:(bearer) {1,4}([A-Za-z0-9._~+/-]{16,}=*)|(basic|digest|token) {1,4}([A-Za-z0-9+/_-]{12,}={0,2}))"
)
_KEY_BEGIN = pattern(r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = pattern(r"-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----")
_PUTTY = pattern(r"Private-Lines: [0-9]+\r?\n(?:[A-Za-z0-9+/=]+\r?\n?)+")
HINTS = rf"{BEGINNINGS}|://[^\s/:@]*:|(?i:bearer|basic|digest) |-----BEGIN |Private-Lines"


def tokens(text: bytes) -> Iterator[Span]:
    """Keys and tokens of known issuers."""
    for match in each(_TOKEN, text):
        start, end = match.start(), match.end()
        start += text[start] not in _WORD  # what parts it from the text before
        shape = next(_KINDS[begin] for begin in _BEGINS if text.startswith(begin, start))
        if (not shape.exact or end - start == shape.exact) and not _is_words(text[start:end]):
            yield start, end, shape.kind


def _is_words(token: bytes) -> bool:
    """`sk-folding-cube-container`: small letters in words of a usual length, and short numbers."""
    parts = token.replace(b"_", b"-").split(b"-")
    return token.islower() and all(
        (part.isalpha() and len(part) <= _LONGEST_WORD) or (part.isdigit() and len(part) <= _LONGEST_NUMBER) or not part
        for part in parts
    )


def url_passwords(text: bytes, placeholder: Callable[[bytes], bool]) -> Iterator[Span]:
    """What stands between a user's name and the host of a URL."""
    for match in each(_URL, text):
        if match.end(2) - match.start(2) <= _MOST_PASSWORD and not placeholder(match.group(2)):
            yield match.start(2), match.end(2), "url_password"


def headers(text: bytes) -> Iterator[Span]:
    """Credentials of HTTP's Authorization."""
    for match in each(_HEADER, text):
        if match.start(2) >= 0:
            yield match.start(2), match.end(2), "bearer"
        elif _credentials(match, text):
            yield match.start(4), match.end(4), match.group(3).decode().lower()


def _credentials(match: Match, text: bytes) -> bool:
    value = match.group(4)
    if match.group(3).lower() == b"basic":
        try:
            return b":" in base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
        except binascii.Error:
            return False
    return text[max(0, match.start() - 24) : match.start()].lower().rstrip(b" :=\"'").endswith(b"authorization")


def private_keys(text: bytes) -> Iterator[Span]:
    """PEM blocks of private keys, whole; one without an end goes to the end of the text."""
    at = 0
    for begin in each(_KEY_BEGIN, text):
        if begin.start() < at:
            continue
        end = _KEY_END.search(text, begin.end())
        at = end.end() if end else len(text)
        yield begin.start(), at, "private_key"
    for match in each(_PUTTY, text):
        yield match.start(), match.end(), "private_key"
