"""What other languages destroy or stop, in English words: so that it weighs what its English twin weighs.

Nothing else is translated: a text without such a verb stays as it is, and what isn't recognised is never low.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..foreign_verbs import DELETES, STOPS, UNSPACED, in_unspaced, is_done, stems
from .lexicon import by_word, words
from .things import TARGETS
from .verbs import VERBS

_SURE: Final = 5  # letters from which on the beginning of a word tells the verb
_FIRST_UNSPACED: Final = "\u0e00"  # Thai, Chinese, Japanese, Korean: a stem may stand anywhere in a word
_MARKS: Final = dict.fromkeys(range(0x300, 0x370))
_VERBS: Final = tuple(
    (english, language, stem)
    for english, lexicon in (("delete", DELETES), ("stop", STOPS))
    for language, listed in stems(lexicon).items()
    for stem in listed
    if " " not in stem
)


def _longest_first(table: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(by_word(table).items(), key=lambda row: -len(row[0])))


# Stems of names of things; of five letters and more they count within a compound, too: `produktionsdatenbank`.
_THINGS: Final = _longest_first(
    {
        "production": """
            produktion produktiv produccion produzione producao productie produkcj produkcyj produkcni produkci
            производствен продакшн продакшен прод виробнич uretim tuotan produksi παραγωγ 生产 生產 本番 프로덕션
            운영 线上 線上 ייצור उत्पादन
        """,
        "database": """
            datenbank databank gegevensbank database databas databaz datos donnees dados danych данных бд база базу
            базы veritaban tietokan adatbazis basisdata δεδομεν 数据库 資料庫 データベース 데이터베이스 بيانات डेटाबेस
        """,
        "data": "daten gegevens dane данные 数据 データ 데이터 veriler",
        "customers": """
            kunden kundin client clientes clienti klanten klient kunder клиент musteri asiakas 客户 顧客 고객
        """,
        "users": """
            benutzer nutzer utilisateur usuario utente utenti gebruiker uzytkownik пользовател kullanici 用户 用戶
            ユーザー 사용자
        """,
        "backups": """
            sicherung backup sauvegarde respaldo reservekopie резервн varmuuskop sakerhetskop 备份 バックアップ 백업
        """,
        "tables": "tabelle tabla tabella tabela tabel таблиц テーブル 테이블",
        "server": "server serveur servidor сервер sunucu palvelin 服务器 サーバー 서버",
        "system": "sistema systeme system систем jarjestelm 系统 システム 시스템",
        "disk": "festplatte disque disco диск schijf 硬盘 磁盘 ディスク 디스크",
        "password": """
            passwort kennwort contrasena senha wachtwoord haslo hasla парол sifre losenord 密码 パスワード 비밀번호
        """,
        "logs": "protokoll journaux registros журнал логи 日志 ログ 로그",
        "test": "prueba prova teste тестов testowa testov 测试 テスト 테스트",
        "all": """
            alle alles alla allt tout toute tous toutes todo todos toda todas tutti tutte tutto wszystk vsechn все всё
            всю 所有 全部 すべて 全て 모든 모두
        """,
    }
)
# Small words that English doesn't have.
_SMALL: Final = words(
    """
    bitte das dem den der des det dos du een el et gli het het il la las le les lo los och och oder por sie una und uno
    """
)
# What English has, too, and other verbs begin with.
_ENGLISH: Final = words(
    """
    annul annulled arrest arrested exclude excluded excludes excluding exclusive exclusively redefine redefined
    redefines redefining retire retired retires retiring
    """
)


def translated(every: list[str]) -> list[str]:
    """The words, with what another language destroys or stops in English; other texts unchanged.

    Args:
        every: case folded, as `words.split` makes them.
    """
    told = [_Word.of(word) for word in every]
    foreign = any(word.foreign for word in told)
    heard = [_verb(word, sure=foreign or word is told[0], short=foreign) for word in told]
    if not any(heard) and not (foreign and any(VERBS.get(word) == "delete" for word in every)):
        return every
    found: list[str] = []
    for word, verb in zip(told, heard, strict=True):
        found += [*verb, *word.things] or [word.given]
    return found


@dataclass(frozen=True, slots=True)
class _Word:
    """A word: as it is given, without accents, what it names in English, and whether it surely is none of English."""

    given: str
    plain: str
    things: tuple[str, ...]
    foreign: bool

    @classmethod
    def of(cls, given: str) -> _Word:
        if given in TARGETS or VERBS.get(given):
            return cls(given, given, (), not given.isascii())
        plain = _plain(given)
        things = _things(plain)
        return cls(given, plain, things, bool(things) or not given.isascii() or given in _SMALL)


def _plain(word: str) -> str:
    """Without accents, as the stems are written."""
    folded = unicodedata.normalize(
        "NFKD", word.replace("ł", "l").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    ).translate(_MARKS)
    return unicodedata.normalize("NFC", folded)


def _verb(word: _Word, *, sure: bool, short: bool) -> tuple[str, ...]:
    """`delete` or `stop`, where a word tells that in another language; nothing else.

    Args:
        word: which.
        sure: whether long stems count.
        short: whether words that are as short as many an English one count, too.
    """
    if not sure or not word.plain or word.given in VERBS or word.given in _ENGLISH:
        return ()
    for english, language, stem in _VERBS:
        if language in UNSPACED or word.plain[0] >= _FIRST_UNSPACED:
            told = in_unspaced(word.plain, stem)
        elif len(stem) >= _SURE:
            told = word.plain.startswith(stem) and (word.plain == stem or not is_done(word.plain, language))
        else:
            told = short and word.plain == stem
        if told:
            return (english,)
    return ()


@lru_cache(maxsize=4096)
def _things(word: str) -> tuple[str, ...]:
    """What a word names, in English; a compound may name several."""
    found: dict[int, str] = {0: "test"} if word.startswith("test") else {}
    rest = word
    for stem, english in _THINGS:
        if (at := rest.find(stem)) >= 0 and (len(stem) >= _SURE or stem[0] >= _FIRST_UNSPACED or stem == word):
            found[at] = english
            rest = rest.replace(stem, " " * len(stem))
    return tuple(found[at] for at in sorted(found)) if rest != word else ()
