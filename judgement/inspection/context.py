"""What stands around a number: words that say what it is, or that it is something else."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property

import re2

from .scan import pattern

# Characters: how far before and after a number the words may stand that say what it is, or that it is something else;
# how much nearer those must be; the longest row of a table.
_BEFORE, _AFTER, _DENIED_BEFORE, _NEARER, _LONGEST_ROW = 72, 28, 40, 12, 2048
_WORDS = {
    "payment_card": r"card|\bcc\b|\bpay with|credit|debit|visa|mastercard|amex|american express|discover|diners|"
    r"jcb|maestro|unionpay|"
    r"\bpan\b|karte|kreditkarte|carte|carta|tarjeta|cart[\xe3a]o|kaart|payment|charged?\b|cvv|cvc|zahlung",
    "us_ssn": r"\bssns?\b|ssn[_:=\"]|_ssn|social[ _-]?security|soc[. ]?sec|\bss ?#|\bss no|\bss [0-9]{3}[ .-]|\bitin\b",
    "uk_nino": r"\bnino|_nino|national[ _-]?insurance|\bni[ _-]?(?:no|number|num|#)|\bni\b|insurance n(?:o|umber)",
    "uk_nhs": r"\bnhs|_nhs|nhs_|nhs no|patient",
    "de_tax_id": r"steuer|\bid-?nr|\btin\b|tax[ _-]?id|idnr|\btax (?:no|number|identification)|identifikationsnummer",
    "fr_nir": r"s[e\xe9]curit[e\xe9] sociale|\bnir\b|num[e\xe9]ro de s[e\xe9]cu|\binsee\b|carte vitale",
    "es_nif": r"\bnif\b|\bdni\b|\bnie\b|_(?:nif|dni|nie)|(?:nif|dni|nie)_|identidad|tax id|extranjero",
    "it_cf": r"cod[a-z.]* ?fisc|\bcf\b|\bc\. ?f\.",
    "nl_bsn": r"\bbsn|_bsn|bsn_|burgerservice|\bsofi\b|sofinummer|sofi-?n|citizen service",
    "ca_sin": r"\bsin\b|_sin\b|\bsin_|\bsin[:#=]|social[ _-]?insurance|\bnas\b|assurance[ _-]sociale|\bs\.i\.n",
    "in_aadhaar": r"aa?dha+r|\buidai|\buid\b|\bekyc|\be-kyc|aadhar",
    "br_cpf": r"\bcpf|_cpf|cpf_|cadastro de pessoa",
    "phone": r"phone|phon\b|\btel\b|\btel[.:]|telef|t[e\xe9]l[e\xe9]?ph|\bt[e\xe9]l\b|mobile?\b|mobil|m[o\xf3]v[ie]l|"
    r"natel|"
    r"\bvol[ae]j|\bfone|\bhp ?:|\bcaller|"
    r"\bcell?\b|cellu|celular|handy|\bgsm\b|\bsms\b|whatsapp|\bfax|\bcall(?:s|ed|er|ing|back)?[ :]|\bring\b|"
    r"\bdial|\bruf|"
    r"anruf|r[u\xfc]ckruf|joignable|appel|ll[a\xe1]m|chiam|telefoo?n|\bbel(?:len)?\b|hotline|helpline|help ?desk line|"
    r"voicemail|pager|\bext\.?\b|durchwahl|contact (?:no|num|us)|\b(?:the|her|his|their|our|my|your|"
    r"new) (?:new )?number\b|"
    r"\btext (?:me|us|him|her)|landline|"
    r"switchboard|puhelin|telefon|\btfn|\btlf|msisdn|\bn[u\xfa]mero|num[e\xe9]ro|\bnummer|ligue|ligar|zap\b|viber|"
    r"\bcep\b|mobitel|\btelp?\b|\bpuh|"
    r"\breach(?:able| me| us| him| her)|\breach (?:[a-z]+ ){1,3}(?:on|at|under|via)\b|"
    r"n[\xe5a]r (?:du )?mig|n\xe5s p[\xe5a]|(?:moje|nov[\xe9e]) [\?c]\xedslo|\bh\xedv|numaram|"
    r"numaras[i\xfd\?]ndan|\bpod numer|\bcall[- ]?back|voip|\bsip\b|"
    r"\bpbx\b|\bwa\.|erreich|hubungi|\bsimu\b|\btruca|\bsoit[ta]|\bsun[a\?]|\bskambin|\baray[i\xfd\?]n|joindre|"
    r"\bnumber (?:of|for) (?:the|my|our|your|her|his|a) [a-z]{1,20}(?: is|:)|"
    r"get hold of|give (?:me|us|him|her|them) a (?:bell|ring|buzz|shout)|(?:support|help|service) line|"
    r"\bani\b|\bdnis\b|\bkontakt|\bs\xedmi\b|\bfono\b|\breach [a-z]{1,20}:|\xfcgyf\xe9lszolg|"
    r"desk line|dzwo|kom[o\xf3]rk|reception|\bmob\b|\bph\b|\bph[:.]|contact\b|\bcontatt|contacto",
    "birth_date": r"birth|\bborn\b|\bdob\b|_dob|dob_|d\.o\.b|b-?day\b|geboren|\bgeb\b\.?|geburt|\bn\xe9e?[ (.:]|"
    r"\bnee? le\b|naissance|nacimiento|\bnaci[do\xf3]|nascita|\bnat[oa] (?:il|a|in|l)|nascimento|nascid[oa]|"
    r"geboorte|\bf\xf6dd|"
    r"f\xf6delse|f\xf8dsel|\bf\xf8dt\b|urodz|synty|do\?um|naro[zd]|\bf\. ?nac|ng[a\xe0]y sinh|ro\?en[ai]?\b|sz\xfclet",
}
# Scripts that Latin-1 doesn't have are looked for in the text itself.
_FOREIGN = {
    "phone": (
        "телефон",
        "набер",
        "мій номер",
        "gọi",
        "नंबर",
        "微信",
        "тел.",
        "звон",
        "мой номер",
        "номеру",
        "моб.",
        "טלפון",
        "נייד",
        "טל'",
        "โทร",
        "điện thoại",
        "đt:",
        "جوال",
        "تلفن",
        "موبایل",
        "ফোন",
        "τηλ",
        "κιν",
        "連絡先",
        "핸드폰",
        "휴대폰",
        "연락처",
        "tālr",
        "电话",
        "電話",
        "手机",
        "携帯",
        "전화",
        "फ़ोन",
        "फोन",
        "मोबाइल",
        "هاتف",
        "τηλ",
    ),
    "birth_date": ("рождения", "родил", "生年月日", "出生", "생년월일", "जन्म", "تاريخ الميلاد", "γέννησης", "urodzeni"),
    "in_aadhaar": ("आधार",),
    "payment_card": ("карт", "卡号", "カード"),
}
_DENIED = pattern(
    r"(?i)(?:order|invoice|ticket|tracking|parcel|shipment|part|serial|s/n|\bsn\b|sku|item|article|art\.|product|batch|"
    r"\blot\b|isbn|issn|\bean\b|upc|gtin|asin|barcode|build|version|revision|\brev\b|commit|hash|checksum|digest|"
    r"timestamp|epoch|unix|\bts\b|request|trace|span|transaction|reference|\bref\b|\bcase\b|issue|\bbug\b|\bpr\b|"
    r"\brun\b|\bjob\b|\bpid\b|\buuid|guid|\b(?:[a-z]+_)?id\b|port\b|model|firmware|coordinates|latitude|longitude|"
    r"\blat\b|\blon\b|bytes|seed|offset|seq(?:uence)?|bestell|rechnung|auftrag|kunden-?n|commande|facture|colis|pedido|"
    r"factura|ordine|fattura|doi|patent|flight|policy|contract|licen[cs]e|\bpage\b|\bvin\b|imei|iccid|catalog|"
    r"number of|count|"
    r"total|size|duration|artikel|teile|s[e\xe9]rie|session|dossier|aktenzeichen|vorgang|sendung|vertrag|klant-?n|"
    r"expediente|fascicolo|protocol|sagsn|saksn|\xe4rende|faktur|fatura|faktuur|"
    r"zam[o\xf3]wie|objedn|sipari|\btilaus|\blasku|rendel[e\xe9]s|sz[a\xe1]mla|bestill|users\b|bandwidth)"
)
BIRTH = _WORDS["birth_date"]
_NAMED = {kind: pattern(f"(?i){words}") for kind, words in _WORDS.items()}
_DENIAL = "denial"
_NAMED_OR_DENIED = _NAMED | {_DENIAL: _DENIED}
_REMOTE = pattern(r"(?i)ssh|scp|sftp|rsync|mosh|message-id|in-reply-to|references|content-id|\bcid")
_BLANK = pattern(r"\n[ \t\r]*\n")
_WIDE = re2.compile(r"[^\x00-\xff]")  # characters that Latin-1 doesn't have
_DELIMITERS = b"\t|;,"


class Context:
    """The words around places of one text; each kind of word is looked for once, when it is first asked for.

    Args:
        text: as it came.
        raw: the same, narrowed.
    """

    def __init__(self, text: str, raw: bytes) -> None:
        low = text if text.isascii() else text.lower()
        self._text, self._raw = low if len(low) == len(text) else text, raw
        self._wide = not text.isascii() and _WIDE.search(text) is not None
        self._hits: dict[str, list[int]] = {}
        self._heads: dict[tuple[int, int, int], bytes] = {}
        self._head_says: dict[tuple[str, bytes], bool] = {}

    @cached_property
    def named(self) -> frozenset[str]:
        """The types that the text has a word for somewhere."""
        found = {kind for kind, words in _NAMED.items() if words.search(self._raw)}
        if self._wide:
            found |= {kind for kind, words in _FOREIGN.items() if any(word in self._text for word in words)}
        return frozenset(found)

    @cached_property
    def remote(self) -> bool:
        """Whether programs that log in elsewhere, or headers of mails, stand in the text."""
        return _REMOTE.search(self._raw) is not None

    def names(self, kind: str, start: int, end: int) -> bool:
        """Whether words near this place, or the head of its column, say that it is of this type."""
        if kind not in self.named:
            return False
        floor = max(start - _BEFORE, self._block(start))
        near = self._last(kind, floor, start)
        denied = self._last(_DENIAL, floor, start)
        if near >= 0:
            return near >= denied - (0 if kind == "phone" else _NEARER)
        if self._wide and self._in_other_scripts(kind, floor, start, end):
            return True
        if denied < 0 and self._follows(kind, end):
            return True
        return self._head_has(kind, start, end)

    def _in_other_scripts(self, kind: str, floor: int, start: int, end: int) -> bool:
        before, after = self._text[floor:start], self._text[end : end + _AFTER].partition("\n")[0]
        return any(word in before or word in after for word in _FOREIGN.get(kind, ()))

    def heads(self, kind: str, start: int, end: int) -> bool:
        """Whether the head of this place's column says that it is of this type."""
        return kind in self.named and self._head_has(kind, start, end)

    def said(self, kind: str, start: int) -> int:
        """Where the nearest word before this place stands that names the type; -1 when there is none."""
        return self._last(kind, max(start - _BEFORE, self._block(start)), start)

    def denies(self, start: int, end: int) -> bool:
        """Whether words before this place, or the head of its column, say that it is something else."""
        return self._last(_DENIAL, start - _DENIED_BEFORE, start) >= 0 or self._head_has(_DENIAL, start, end)

    def _places(self, kind: str) -> list[int]:
        places = self._hits.get(kind)
        if places is None:
            places = self._hits[kind] = [match.start() for match in _NAMED_OR_DENIED[kind].finditer(self._raw)]
        return places

    def _last(self, kind: str, floor: int, start: int) -> int:
        places = self._places(kind)
        at = bisect_left(places, start) - 1
        return places[at] if at >= 0 and places[at] >= floor else -1

    def _follows(self, kind: str, end: int) -> bool:
        places = self._places(kind)
        at = bisect_left(places, end)
        return at < len(places) and places[at] < end + _AFTER and b"\n" not in self._raw[end : places[at]]

    @cached_property
    def _blocks(self) -> list[int]:
        """Where blocks of lines begin, which blank lines part."""
        return [0, *(match.end() for match in _BLANK.finditer(self._raw))]

    def _block(self, start: int) -> int:
        return self._blocks[bisect_right(self._blocks, start) - 1]

    def _head_has(self, kind: str, start: int, end: int) -> bool:
        head = self._head(start, end)
        if not head:
            return False
        said = self._head_says.get((kind, head))
        if said is None:
            said = self._head_says[kind, head] = _NAMED_OR_DENIED[kind].search(head) is not None
        return said

    def _head(self, start: int, end: int) -> bytes:
        """What stands at the head of the column that this place is in; nothing outside of tables."""
        raw = self._raw
        line = raw.rfind(b"\n", max(0, start - _LONGEST_ROW), start) + 1
        top = self._block(start)
        if not line or top >= line:
            return b""
        stop = raw.find(b"\n", top, top + _LONGEST_ROW)
        if stop < 0:
            return b""
        for delimiter in _DELIMITERS:
            if raw.find(delimiter, top, stop) >= 0:
                column = raw.count(delimiter, line, start)
                if column or raw.find(delimiter, end, end + _AFTER) >= 0:
                    return self._cell(top, stop, delimiter, column)
        return raw[top + max(0, start - line - 1) : min(stop, top + end - line + 1)]

    def _cell(self, top: int, stop: int, delimiter: int, column: int) -> bytes:
        key = (top, delimiter, column)
        head = self._heads.get(key)
        if head is None:
            cells = self._raw[top:stop].split(bytes((delimiter,)))
            head = self._heads[key] = cells[min(column, len(cells) - 1)]
        return head
