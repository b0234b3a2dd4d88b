"""Verbs of other languages that take away or stop, as stems: the router and the score of risk read them alike.

Case is folded and accents are dropped (`löschen` begins with `losch`); an underscore parts words that may stand apart.
"""

from __future__ import annotations

from typing import Final

DELETES: Final[dict[str, str]] = {
    "de": "losch entfern leer vernicht zerstor tilg wisch beseitig aufraum aufzuraum putz formatier setz_zuruck"
    " deinstallier widerruf"
    " verwirf bereinig uberschreib zurucksetz schmeiss wirf kipp weg_damit weg_mit muss_weg mussen_weg kann_weg "
    "konnen_weg soll_weg sollen_weg loswerden verschwinden plattmach mach_platt platt_mach",
    "fr": "supprim effac vide vider videz detrui detruir elimin enlev retire purge purg revoqu reinitialis desinstall"
    " nettoi ecras formate formatez disparai debarrass jette jetez fous_en_l_air vire",
    "es": "borra borre elimin suprim vacia destruy destru quita purga purgu revoca revoqu reinici restablec desinstal"
    " limpia formatea tira sobrescrib desaparezca deshazte carga",
    "it": "butta disfa spariscan sparir cancell elimin svuota svuot distrugg rimuov rimuover togli revoca "
    "azzera disinstall pulisci resetta formatta"
    " sovrascriv",
    "pt": "sumir sumam jogue jogar apagu apaga apagar exclu elimin remov esvazi destru revog limp redefin "
    "desinstal formata sobrescrev delet",
    "nl": "verdwijn verwijder wis wissen leeg leegmaak vernietig gooi_weg herroep intrek reset formatteer trek "
    "overschrijf opruim",
    "pl": "znikn usun skasuj wyczysc oproznij zniszcz wymaz odinstaluj cofnij zresetuj sformatuj wykasuj",
    "ru": "удали удалить удалите сотри сотрите стереть очисти очистить уничтож отзови сбрось сбросить"
    " снеси убери вытри исчез пропал избав",
    "uk": "видали видалити зітри очисти знищ скинь",
    "sv": "radera ta_bort tom rensa forstor aterkalla aterstall avinstallera formatera",
    "da": "slet fjern tom odelaeg ryd nulstil",
    "nb": "slett fjern tom odelegg rydd nullstill",
    "fi": "poista tyhjenna tuhoa",
    "cs": "smaz vymaz odstran znic vyprazdni zrus",
    "tr": "yok_et yok_olsun sil silin silebilir temizle bosalt yok_et kaldir iptal sifirla",
    "ro": "sterge elimina goleste distruge",
    "hu": "torold torolj urits semmisitsd",
    "id": "hapus kosongkan hancurkan",
    "vi": "xoa",
    "el": "διαγραψ διεγραψε σβησ αδειασ",
    "zh": "消失 清掉 扔掉 干掉 删除 删掉 清除 清空 擦除 销毁 移除 抹掉 撤销 重置 删了 格式化 卸载",
    "ja": "削除 消して 消去 消す 破棄 空にして リセット 取り消 抹消 初期化 消し去 なくして アンインストール 全消",
    "ko": "삭제 지워 지우 제거 비워 파기 초기화 폐기 없애 사라지",
    "ar": "احذف حذف امسح مسح ازل",
    "he": "מחק למחוק הסר",
    "hi": "हटा मिटा डिलीट",
    "th": "ลบ ล้าง",
}
STOPS: Final[dict[str, str]] = {
    "de": "stopp brich beend unterbrich deaktivier schalt_aus fahr_herunter abbrech halt_an",
    "fr": "arret annul interromp desactiv stoppe",
    "es": "deten cancel interrump desactiv apaga para_el para_la para_los para_todo parad",
    "it": "ferma annulla interromp disattiv arresta spegni",
    "pt": "pare parar cancel interromp desativ deslig",
    "nl": "stop annuleer onderbreek breek beeindig",
    "pl": "zatrzymaj przerwij anuluj zakoncz wylacz",
    "ru": "останови отмени прерви прекрати отключи выключи",
    "sv": "stoppa avbryt avsluta stang_av inaktivera",
    "tr": "durdur iptal kapat",
    "cs": "zastav prerus zrus vypni",
    "zh": "停止 取消 终止 中断 关闭 禁用",
    "ja": "停止 止めて キャンセル 中止 中断 無効",
    "ko": "중지 취소 멈춰 중단 비활성화",
}
DONE_ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "de": ("t", "te", "ten", "ung", "ungen", "job"),
    "fr": ("es", "ee", "ees", "sion", "ation"),
    "es": ("ado", "ada", "ados", "adas", "ido", "ida", "idos", "idas", "cion"),
    "it": ("ato", "ata", "ati", "ate", "zione"),
    "pt": ("ado", "ada", "ados", "adas", "ido", "ida", "idos", "idas", "cao"),
    "nl": ("de", "den"),
    "pl": ("iete", "ietych", "ieto", "iecie"),
}

UNSPACED: Final = frozenset({"zh", "ja", "th"})
"""Languages that are written without spaces."""


def stems(lexicon: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The stems of each language, with their words parted by spaces."""
    return {language: tuple(stem.replace("_", " ") for stem in listed.split()) for language, listed in lexicon.items()}


def is_done(token: str, language: str) -> bool:
    """Whether a form only tells that it was done, as `supprimé` does."""
    return token.endswith(DONE_ENDINGS.get(language, ("\0",)))


def in_unspaced(text: str, stem: str) -> bool:
    """Whether a stem stands in a text without spaces, and not as something that was done."""
    done = any(form in text for form in (f"已{stem}", f"被{stem}", f"{stem}され", f"{stem}的"))
    return stem in text and not done
