"""What stands around a number: words that say what it is, or that it is something else."""

from __future__ import annotations

from functools import cached_property

from .scan import narrow, pattern

_BEFORE, _AFTER, _MOST_ROWS = 72, 28, 65_536
_WORDS = {
    "payment_card": r"card|credit|debit|visa|mastercard|amex|american express|discover|diners|jcb|maestro|unionpay|\bpan\b|"
    r"karte|kreditkarte|carte|carta|tarjeta|cart[\xe3a]o|kaart|payment|charged?\b|cvv|cvc|zahlung",
    "us_ssn": r"\bssns?\b|ssn[_:=\"]|_ssn|social[ _-]?security|soc[. ]?sec|\bss ?#|\bss no|\bitin\b",
    "uk_nino": r"\bnino|_nino|national[ _-]?insurance|\bni[ _-]?(?:no|number|num|#)|\bni\b|insurance n(?:o|umber)",
    "uk_nhs": r"\bnhs|_nhs|nhs_|nhs no|patient",
    "de_tax_id": r"steuer|\bid-?nr|\btin\b|tax[ _-]?id|idnr|\btax (?:no|number|identification)|identifikationsnummer",
    "fr_nir": r"s[e\xe9]curit[e\xe9] sociale|\bnir\b|num[e\xe9]ro de s[e\xe9]cu|\binsee\b|carte vitale",
    "es_nif": r"\bnif\b|\bdni\b|\bnie\b|_(?:nif|dni|nie)|(?:nif|dni|nie)_|identidad|tax id|extranjero",
    "it_cf": r"cod[a-z.]* ?fisc|\bcf\b|\bc\. ?f\.",
    "nl_bsn": r"\bbsn|_bsn|bsn_|burgerservice|sofinummer|sofi-?n|citizen service",
    "ca_sin": r"\bsin\b|_sin\b|\bsin_|\bsin[:#=]|social[ _-]?insurance|\bnas\b|assurance[ _-]sociale|\bs\.i\.n",
    "in_aadhaar": r"aa?dha+r|\buidai|\buid\b|\bekyc|\be-kyc|aadhar",
    "br_cpf": r"\bcpf|_cpf|cpf_|cadastro de pessoa",
    "phone": r"phone|phon\b|\btel\b|\btel[.:]|telef|t[e\xe9]l[e\xe9]?ph|\bt[e\xe9]l\b|mobile?\b|mobil|m[o\xf3]vil|\bcell?\b|cellu|"
    r"celular|handy|\bgsm\b|\bsms\b|whatsapp|\bfax|\bcall(?:s|ed|er|ing|back)?[ :]|\bring\b|\bdial|\bruf|"
    r"anruf|r[u\xfc]ckruf|joignable|appel|llam|chiam|telefoo?n|\bbel(?:len)?\b|hotline|helpline|help ?desk line|voicemail|"
    r"pager|\bext\.?\b|durchwahl|contact (?:no|num|us)|number is|my number|\btext (?:me|us|him|her)|landline|switchboard|"
    r"puhelin|telefon|\btfn|\btlf|msisdn|numero|n[u\xfa]mero|nummer|ligue|ligar|zap\b|viber|\breach (?:me|us)|desk line|"
    r"dzwo|komork|reception|\bmob\b|\bph\b|\bph[:.]|contact\b|\bcontatt|contacto",
    "birth_date": r"birth|\bborn\b|\bdob\b|_dob|dob_|d\.o\.b|b-?day\b|geboren|\bgeb\b\.?|geburt|\bn\xe9e?[ (.:]|\bnee? le\b|"
    r"naissance|nacimiento|\bnaci[do\xf3]|nascita|\bnat[oa] (?:il|a|in|l)|nascimento|nascid[oa]|geboorte|\bf\xf6dd|f\xf6delse|"
    r"f\xf8dsel|\bf\xf8dt\b|urodz|syntym|sz\xfclet",
}
# Scripts that Latin-1 doesn't have are looked for in the text itself.
_FOREIGN = {
    "phone": ("телефон", "тел.", "звон", "电话", "電話", "手机", "携帯", "전화", "फ़ोन", "फोन", "मोबाइल", "هاتف", "τηλ"),
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
    r"factura|ordine|fattura|doi|patent|flight|policy|contract|licen[cs]e|\bvin\b|imei|iccid|catalog|number of|count|"
    r"total|size|duration|artikel|teile|s[e\xe9]rie|session)"
)
BIRTH = _WORDS["birth_date"]
_NAMED = {kind: pattern(f"(?i){words}") for kind, words in _WORDS.items()}
_DELIMITERS = b"\t|;,"


class Context:
    """The words around places of one text.

    Args:
        text: as it came.
        raw: the same, narrowed.
    """

    def __init__(self, text: str, raw: bytes) -> None:
        self._text, self._raw = text, raw
        self._wide = not text.isascii() and any(ord(character) > 0xFF for character in text[:65_536])
        self._heads: dict[int, int] = {}

    @cached_property
    def named(self) -> frozenset[str]:
        """The types that the text has a word for somewhere."""
        found = {kind for kind, words in _NAMED.items() if words.search(self._raw)}
        if self._wide:
            found |= {kind for kind, words in _FOREIGN.items() if any(word in self._text for word in words)}
        return frozenset(found)

    def names(self, kind: str, start: int, end: int) -> bool:
        """Whether words near this place, or the head of its column, say that it is of this type."""
        if kind not in self.named:
            return False
        before, after = self._before(start), self._after(end)
        near = _last(_NAMED[kind], before)
        if near >= 0:
            return near >= _last(_DENIED, before) - 12
        if self._wide and any(word in self._text[start - len(before) : start] for word in _FOREIGN.get(kind, ())):
            return True
        if _NAMED[kind].search(after):
            return not _DENIED.search(before)
        head = self._head(start, end)
        return bool(head and _NAMED[kind].search(head))

    def denies(self, start: int, end: int) -> bool:
        """Whether words before this place, or the head of its column, say that it is something else."""
        if _DENIED.search(self._before(start)[-40:]):
            return True
        head = self._head(start, end)
        return bool(head and _DENIED.search(head))

    def _before(self, start: int) -> bytes:
        begin = max(0, start - _BEFORE)
        return self._raw[max(begin, self._raw.rfind(b"\n\n", begin, start) + 1) : start]

    def _after(self, end: int) -> bytes:
        after = self._raw[end : end + _AFTER]
        return after.partition(b"\n")[0]

    def _head(self, start: int, end: int) -> bytes:
        """What stands at the head of the column that this place is in; nothing outside of tables."""
        raw = self._raw
        line = raw.rfind(b"\n", max(0, start - 2048), start) + 1
        if not line:
            return b""
        top = self._top(line)
        if top < 0:
            return b""
        head, row = raw[top : raw.find(b"\n", top)], raw[line:start]
        for delimiter in _DELIMITERS:
            count = head.count(delimiter)
            if count and (row.count(delimiter) or raw[end : end + 64].partition(b"\n")[0].count(delimiter)):
                cells = head.split(bytes((delimiter,)))
                return cells[min(row.count(delimiter), len(cells) - 1)]
        return head[max(0, start - line - 1) : end - line + 1]

    def _top(self, line: int) -> int:
        """Where the block of lines begins that this line is in; -1 when it is the first itself."""
        raw = self._raw
        blank = raw.rfind(b"\n\n", max(0, line - _MOST_ROWS), line)
        top = blank + 2 if blank >= 0 else max(0, line - _MOST_ROWS)
        if top and blank < 0:
            return -1
        return top if top < line else -1


def _last(words: object, text: bytes) -> int:
    found = -1
    for match in words.finditer(text):  # type: ignore[attr-defined]
        found = match.start()
    return found


__all__ = ["Context", "narrow"]
