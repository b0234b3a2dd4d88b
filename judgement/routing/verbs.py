"""Words that take something away, and the words around them that tell a wish from talk about it."""

from __future__ import annotations

from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def listed(text: str) -> list[str]:
    """What the semicolons part."""
    return text.split(";")


# Forms that are told apart from nouns and adjectives by themselves: they count wherever they are the verb of a wish.
DELETES: Final = _set(
    "delete delet delte deelte dlete remove remov remvoe rmove erase wipe purge destroy truncate nuke revoke "
    "uninstall"
    " obliterate annihilate shred overwrite deprovision expunge eradicate unregister unlink rm del"
    " rmdir dispose discard"
    " delist drop clear empty kill reset format flush trash dump ditch scrap scrub forget unlearn unset untrain prune"
    " demolish ruin zap axe evict ban expire invalidate strip downgrade demote decommission deregister vaporize"
    " vaporise bin burn erode wreck smash crush sweep rid rescind withdraw detach unpublish unsubscribe eliminate"
    " unload exterminate extinguish raze reformat reinitialize reinitialise sanitize zero"
)
STOPS: Final = _set(
    "stop cancel abort halt terminate end interrupt quit kill disable deactivate close shutdown suspend drop break"
    " block freeze unplug disconnect shut cease call pause"
)
# These are nouns, adjectives or harmless verbs, too: they count only at the head of a clause.
ONLY_AS_HEAD: Final = _set(
    "drop clear empty kill reset format flush trash dump ditch scrap forget strip bin burn end close block "
    "freeze stop"
    " halt break call pause quit cancel abort interrupt suspend shut sweep rid ban zero detach axe unload rm "
    "del prune expire"
    " crush smash format disable deactivate terminate disconnect cease withdraw discard dispose"
)
HARMLESS_AS_HEAD: Final = frozenset({"pause", "call", "break", "block"})  # only in a phrase, below
PHRASES: Final[dict[tuple[str, ...], str]] = {
    tuple(words.split()): kind
    for kind, listed in {
        "deletes": "get rid of;got rid of;throw away;throw out;do away with;blow away;wipe out;clean out;clean up;"
        "clean;clear out;put back to;undo;revert;shoot down;rub out;bin off;send to the void;let go of;clear up;"
        "take out;cut off;knock out;roll back;take away;tear down;pull out;wash away;"
        "kick out;toss;chuck;lose;put away;make away with;lose all;rip out;bring back to factory;"
        "start over from scratch",
        "stops": "shut down;shoot down;call a halt;bring to a halt;put to sleep;put out of service;turn off;switch off;"
        "bring down;take down;call off;break off;pull the plug;put an end;"
        "put a stop;power off;power down;shut off;take offline;knock offline;block all;freeze all;shut that;shut the",
    }.items()
    for words in listed.split(";")
}
PARTICIPLES: Final = _set(
    "deleted removed erased wiped purged destroyed truncated nuked revoked uninstalled shredded overwritten dropped"
    " cleared emptied killed reset flushed trashed scrapped gone stopped cancelled canceled terminated disabled"
    " deactivated disappear vanish eliminated unregistered away scrubbed"
)
WISHES: Final = _set(
    "want wants need needs like should must have has get make ought please wish love would gotta shall"
)

# A clause that begins like this reads, asks, or makes something; what it names is not to be done.
READS: Final = _set(
    "show list find search get give tell display print view look lookup count read see fetch tail grep query "
    "open check"
    " verify inspect report describe provide diagnose debug troubleshoot investigate watch monitor trace compare"
    " track export download where logs log"
)
ASKS: Final = _set(
    "what what's whats which who who's whom whose where when why how is are was were has have had did does do "
    "may might"
    " would should am isn't aren't wasn't weren't hasn't didn't doesn't can could"
)
MAKES: Final = _set(
    "write draft explain translate summarise summarize classify categorize categorise label embed vectorize "
    "rank rerank"
    " sort analyze analyse evaluate assess rate estimate simulate suggest recommend remember memorise memorize "
    "note add"
    " save store index ingest learn put echo repeat say mirror parrot return request submit ask create define build"
    " make design compose set debate discuss argue start begin run execute exec plan arbitrate settle resolve weigh"
    " simulate imagine pretend record document enter file generate implement code convert solve prove reason rephrase"
    " approve reject deny grant decline accept redact mask anonymise anonymize detect scan reply respond answer"
    " continue use let have keep test apply seek raise need dry permission risk would-be task symptom may sql regex"
    " draw visualize visualise select pick choose call invoke trigger launch plot render consult prompt"
)
DATA_HEADS: Final = _set(
    "remember memorise memorize note add save store index ingest learn put echo repeat say mirror"
    " parrot return classify"
    " categorize categorise label embed vectorize rank rerank sort analyze analyse translate"
    " summarise summarize explain"
    " rephrase debate discuss argue evaluate assess rate simulate write draft record document check inspect is would"
    " does request submit plan create define build reply respond answer tell test detect scan redact mask risk debug"
    " diagnose symptom prove solve imagine convert make what which audit prompt only emotion"
    " sentiment just plan_only verdict"
)
POLITE: Final[tuple[tuple[str, ...], ...]] = tuple(
    sorted(
        (
            tuple(phrase.split())
            for phrase in listed(
                "please;pls;plz;kindly;hey;hi;hello;ok;okay;so;well;now;just;then;simply;first;finally;also"
                ";quickly;immediately;permanently;completely;irrevocably;at"
                " once;go ahead and;go ahead;go and;be so kind as to;be so kind and;can you;could you;would"
                " you;will you;can we;could we;can i;would you mind;could you just;i want you to;i want to;i"
                " need you to;i need to;i'd like you to;i'd like to;i would like to;i would like you to;i"
                " wanna;we want to;we need to;we should;we must;we have to;i have to;i must;you must;you"
                " should;you have to;you can;you may;let's;lets;let us;help me;help me to;help us;make sure"
                " to;make sure you;feel free to;try to;is it possible to;is there a way to;how about we;how"
                " about;why don't you;why don't we;time to;it's time to;do me a favour and;do me a favor"
                " and;it would be great if you could;i'm asking you to;i order you to;i command you to;your"
                " task is to;next;after"
                " that;afterwards;actually;maybe;perhaps;really;thanks;aura;computer;assistant;dear"
                " system;system;again;right away;i think we should;i think you should;can't you;couldn't"
                " you;someone should;somebody should;somebody please;someone please;what if we;shall we;should"
                " we;may i ask you to;use admin rights to;would it be possible to;would it be ok to"
            )
        ),
        key=len,
        reverse=True,
    )
)
NEGATIONS: Final = _set("don't dont never not without won't didn't no")

# Verbs whose particle may stand far from them: "take the entry out".
PHRASAL: Final = _set("take switch turn shut throw cut kick knock clean clear wipe blow tear bring put")
PARTICLES: Final[dict[str, str]] = {"off": "stops", "down": "stops", "out": "deletes", "away": "deletes"}
# After such a clause an "and" goes on with what it talks about: "request approval to stop it and drop the table".
TALKS: Final = _set(
    "request submit ask simulate evaluate assess rate estimate write draft create define build design compose debate"
    " discuss plan suggest recommend generate implement code seek raise apply imagine pretend remember note record"
    " document set may might would how can could does am start need"
)
TALK_WORDS: Final = _set("risk risky risks dangerous danger safe happen allowed permitted approval permission role")
SHORTEST_FOREIGN: Final = 5  # letters of a foreign verb that counts where the language wasn't recognised
OTHER_HOW: Final = _set("wie comment como come hoe jak как hur hvordan nasil miten cum")

# What is said of things that shall not stay: "the old roles have to go", "this may go".
GOES: Final[tuple[tuple[str, ...], ...]] = tuple(
    tuple(phrase.split())
    for phrase in listed(
        "has to go;have to go;got to go;must go;may go;can all go;needs to go;need to go;ought to go;gotta go;"
        "has to disappear;get erased;get deleted;get removed;get wiped;get dropped;get purged;be torn down;"
        "be taken down;be taken offline;be taken out;be wiped out;be rolled back;nothing remains of;"
        "nothing remains;table dropped;tables dropped;off the disk;off the system;off our disks;weg damit;"
        "away with them;away with it;shouldn't exist;should not exist;must not exist;needn't exist;"
        "should no longer exist;"
        "should not be there;shouldn't be there;no longer be there;should be history;cease to exist;"
        "should be no more;into the bin;in the bin;in the trash;into the trash;down the drain;to the shredder;"
        "back to factory;to factory defaults;to factory settings;back to zero;back to the previous;back to its old;"
        "out of existence;off the face;as if it never existed;as if they never existed;as if it never happened;"
        "never happened;not survive;"
        "without a trace;bite the dust;go up in smoke;out of the picture;out of the way;to kingdom come;"
        "make room by;free up the space;reclaim the space;nothing left;nothing remains;leave nothing"
    )
)
