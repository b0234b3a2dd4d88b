"""The words by which operations are told: what is done, to what, how much of it, and where. Data alone."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, words in table.items() for word in words.split()}


def _phrases(text: str) -> dict[tuple[str, ...], str]:
    """Lines of `word: phrase; phrase`; an indented line goes on with the one before it."""
    found: dict[tuple[str, ...], str] = {}
    word = ""
    for line in text.splitlines():
        head, colon, rest = line.partition(": ")
        word = head.strip() if colon else word
        for phrase in (rest if colon else line).split(";"):
            if phrase.strip():
                found[tuple(phrase.split())] = word
    return found


# Words of several, made one before anything else is looked up.
PHRASES = _phrases(
    """
    shutdown: shut down; power off; power down; take down; bring down; switch off the server
    disable: turn off; switch off; opt out; tear down the firewall
    destroy: tear down; get rid of; wipe out; blow away; clean out; do away with; throw away; throw out
    enable: turn on; switch on
    clear: clean up; tidy up; free up
    rollback: roll back; rolled back; rolling back
    setup: set up
    view: look at; have a look at; take a look at; look up; look into; look for; check out
    production: customer facing
    dryrun: dry run; trial run; test run; what if; plan only; no op; simulation mode
    forcepush: force push; push force; push -f; push --force; push --mirror; push --delete
    hardreset: reset hard; reset --hard
    apikey: api key; api keys; access key; access keys; private key; private keys; ssh key; ssh keys; signing
        key; signing keys; encryption key; encryption keys; secret key; secret keys; service account
    configfile: config file; config files; configuration file; configuration files; env var; env vars;
        environment variable; environment variables; settings file
    envfile: env file; env files; dotenv file
    knowledgebase: knowledge base; vector store
    auditlog: audit log; audit logs; audit trail; audit record; audit records; security log; security logs
    safemode: safe mode
    testdata: test data; test file; test files; test fixture; test fixtures; unit test; unit tests; test suite;
        integration test; integration tests; test case; test cases; sample data; demo data
    offhours: after hours; out of hours; off hours; late at night; in the night; friday evening; friday
        afternoon
    pullrequest: pull request; pull requests; merge request; merge requests
    buildfiles: build artifact; build artifacts; build artefact; build artefacts; build output; build folder
    """
)

# By the kind of operation that they tell of.
VERBS = _by_word(
    {
        "read": """
            read list show view get see print display describe explain inspect check monitor watch
            search find query count fetch look summarize summarise analyze analyse review compare diff
            status report tell browse measure verify validate audit trace select scan preview lookup
            retrieve open examine understand learn translate classify rank embed ping probe discuss
            estimate evaluate cat ls grep egrep rg head tail less wc df du ps stat pwd whoami which tree
            uptime whereis dig nslookup echo forecast identify detect plan
        """,
        "write": """
            write create add update edit change modify insert append save store set rename move copy
            upload document draft commit push merge rebase refactor fix patch format lint test build
            compile import tag label assign comment reply schedule post publish send email mail message
            share export forward notify restore rollback revert setup generate upsert index sync
            synchronize replicate cp mv touch mkdir ln tee sed backup download clone checkout stash
            replace migrate reformat archive fill book order pay transfer buy exfiltrate transmit leak
            tweet scp rsync curl wget put increase decrease resize adjust tune convert annotate
        """,
        "execute": """
            execute run deploy start restart reboot stop launch install upgrade downgrade invoke call
            trigger apply scale provision release promote rollout failover kill pkill killall interrupt
            cancel abort pause resume suspend shutdown halt poweroff mount umount unmount exec eval bash
            sh zsh python python3 node perl ruby make spawn train load reload redeploy activate connect
            ssh hotfix ship
        """,
        "approve": """
            approve sign authorize authorise accept endorse waive permit allow whitelist allowlist
        """,
        "delete": """
            delete remove drop destroy erase wipe purge truncate overwrite clear clean flush uninstall
            discard terminate nuke shred unlink prune empty rm rmdir mkfs dd fdisk wipefs obliterate
            annihilate eradicate expunge decommission hardreset forcepush deprovision del rd deltree zap
            scrub reset raze evict löschen lösche löscht entferne entfernen vernichte zerstöre supprimer
            supprime efface effacer détruis borrar borra elimina eliminar destruir cancella cancellare
            apagar excluir verwijder verwijderen usuń удали удалить 删除 削除
        """,
        "admin": """
            grant revoke disable enable chmod chown chgrp sudo su rotate reconfigure configure elevate
            impersonate bypass override escalate unlock lock ban unban block unblock passwd useradd
            userdel usermod visudo iptables setenforce crontab deactivate expose encrypt decrypt
            delegate exempt alter
        """,
    }
)

# What names an operation without being a verb; counts only where nothing else is said.
NOUNS = {
    "deletion": "delete",
    "removal": "remove",
    "destruction": "destroy",
    "erasure": "erase",
    "termination": "terminate",
    "deployment": "deploy",
    "migration": "migrate",
    "installation": "install",
    "execution": "execute",
    "shutdown": "shutdown",
    "modification": "modify",
    "creation": "create",
    "rotation": "rotate",
    "cleanup": "clear",
    "teardown": "destroy",
    "decommissioning": "decommission",
    "inspection": "inspect",
    "approval": "approve",
    "rollback": "rollback",
}

# Forms that no ending gives away.
IRREGULAR = {
    "ran": "run",
    "sent": "send",
    "wrote": "write",
    "written": "write",
    "shown": "show",
    "got": "get",
    "found": "find",
    "saw": "see",
    "told": "tell",
    "made": "make",
    "shut": "shutdown",
    "paid": "pay",
    "bought": "buy",
    "overwrote": "overwrite",
    "overwritten": "overwrite",
    "copied": "copy",
    "applied": "apply",
    "emptied": "empty",
    "wiping": "wipe",
}

# Of words that open a phrase and are no verbs of ours by themselves.
PARTICIPLES = {
    "shutting": "shut",
    "turning": "turn",
    "turned": "turn",
    "switching": "switch",
    "switched": "switch",
    "tearing": "tear",
    "tore": "tear",
    "getting": "get",
    "taking": "take",
    "took": "take",
    "bringing": "bring",
    "brought": "bring",
    "blowing": "blow",
    "throwing": "throw",
    "rolling": "roll",
}

# They speak of things: other verbs after them are mentioned, not done.
TALK = _words(
    """
    analyse analyze audit cat check classify comment compare count describe detect discuss display document
    draft echo egrep estimate evaluate explain find grep identify inspect learn list look monitor preview print
    query read report review rg search see show summarise summarize tell trace translate understand view
    """
)

# They run what is made to be run over and over.
HARMLESS_RUN = _words(
    """
    build compile format lint reformat test
    """
)

# To undo them takes work.
COSTLY = _words(
    """
    abort alter apply cancel chmod chown deploy disable downgrade email export failover format forward grant
    halt hotfix import install iptables kill killall mail merge message migrate move mv overwrite pkill post
    poweroff promote provision publish rebase reboot redeploy release rename replace restart restore revoke
    rollout rotate rsync scale send share ship shutdown stop upgrade
    """
)

IRREVERSIBLE = _words(
    """
    buy exfiltrate forcepush hardreset leak pay transfer transmit tweet
    """
)

# They reach beyond the system.
OUTSIDE = _words(
    """
    buy curl email exfiltrate export expose forward leak mail notify pay post publish release rsync scp send
    share transfer transmit tweet upload wget
    """
)

# Their object is the machine, though nobody says so.
OF_MACHINE = _words(
    """
    dd fdisk halt iptables mkfs poweroff reboot setenforce shutdown su sudo visudo wipefs
    """
)

# They take everything with them.
EVERYTHING = _words(
    """
    dd fdisk halt killall mkfs poweroff shutdown wipefs
    """
)

# With one of them a token is a piece of text, no secret.
COUNTED = _words(
    """
    budget count embed how length usage
    """
)

# By the kind of target that they name.
TARGETS = _by_word(
    {
        "scratch": """
            tmp temp temporary cache caches scratch sandbox playground node_modules buildfiles draft
            drafts testdata pycache __pycache__ dist target/ trash junk dummy mock fixture
        """,
        "project": """
            file code repository repo branch source function module doc documentation readme document
            script report image container comment issue ticket pullrequest package dependency class
            method page folder directory text article spreadsheet note message mail job task pipeline
            workflow feature commit tag test
        """,
        "configuration": """
            config configuration configfile setting settings preference policy yaml toml ini manifest
            flag log logs schedule webhook template rule route threshold quota limit alert
        """,
        "user_data": """
            user customer client account record database db table schema collection knowledgebase backup
            snapshot bucket volume data dataset order payment invoice daten datenbank données datos
            dados dati base gegevens transaction patient employee member row email mailbox profile index
            archive warehouse tenant storage money fund pii history memory postgres mysql mongodb redis
            everything
        """,
        "system": """
            system kernel disk partition os root server host service cluster namespace node vm instance
            firewall dns network filesystem device drive hdd ssd nvme boot bootloader machine computer
            infrastructure infra stack daemon process gateway router auditlog safemode security role
            permission privilege iam antivirus selinux apparmor mfa terraform pulumi environment vpc
            subnet loadbalancer registry raid hypervisor workstation laptop
        """,
        "production": """
            production prod live mainnet prd
        """,
        "credentials": """
            password passwd secret credential token apikey key certificate cert keychain vault envfile
            shadow passphrase id_rsa keystore kubeconfig pem login cookie
        """,
    }
)

# To destroy one of these is to destroy all that it holds.
WHOLE = _words(
    """
    account backup base bucket cluster collection database daten datenbank db disk drive environment everything
    filesystem hdd history host index infra infrastructure knowledgebase live machine mongodb mysql namespace
    nvme os partition postgres prod production raid redis registry repo repository root schema server ssd stack
    storage system table tenant terraform vault vm volume warehouse
    """
)

SCOPES = _by_word(
    {
        "all": """
            all every everything entire whole complete completely any each everyone everybody *
            recursively totally globally fully alle alles tous toutes tout todos todas todo tutti tutte
            all'
        """,
        "many": """
            many several multiple bulk batch most some old stale unused multi various -r -rf -fr
            recursive
        """,
        "outside": """
            public publicly internet external externally outside web world partner worldwide
        """,
    }
)

ENVIRONMENTS = _by_word(
    {
        "production": """
            production prod live prd mainnet
        """,
        "staging": """
            staging stage preprod preproduction uat canary
        """,
        "development": """
            development dev test local localhost sandbox testing qa ci testdata demo playground
        """,
    }
)

OFF_HOURS = _words(
    """
    christmas easter friday holiday midnight night offhours saturday sunday weekend
    """
)

FOR_GOOD = _words(
    """
    --force --hard -f -fr -rf force forced forcibly forever irrecoverably irreversible irreversibly irrevocably
    permanent permanently unrecoverable
    """
)

UNDOABLE = _words(
    """
    recoverable reversible reversibly revertible soft softly undoable
    """
)

NEGATIONS = _words(
    """
    avoid can't cannot doesn't don't dont mustn't never no not refrain shouldn't without won't
    """
)

# They may stand between a negation and its verb.
ADVERBS = _words(
    """
    a actually an even ever from just please really simply the to yet
    """
)

# With one of them shortly before it, a dry run is not what is meant.
BEFORE_DRY_RUN = _words(
    """
    after beyond despite disable ignore ignoring no not past real skip skipping without
    """
)

# A verb after one of them is done, too.
JOINERS = _words(
    """
    + , after also and before by nor or plus to while
    """
)

SEPARATORS = _words("; . && || | & then afterwards afterward ! ?") | {"\n"}

BE = _words(
    """
    are be been being get gets getting got is was were
    """
)

SECRET_PATHS = tuple(
    _words(
        """
        /etc/shadow /.ssh .ssh/ id_rsa id_ed25519 /.aws .aws/ /.kube .kube/ /.gnupg .pem .env credentials
        secrets /.netrc .npmrc .pgpass operator.token
        """
    )
)
SCRATCH_PATHS = tuple(
    _words(
        """
        /tmp /var/tmp /var/cache node_modules __pycache__ .cache ./build ./dist target/
        """
    )
)
SYSTEM_PATHS = tuple(
    _words(
        r"""
        /etc /usr /bin /sbin /boot /lib /dev /sys /proc /root /opt /var c:\
        """
    )
)
WHOLE_PATHS = _words(
    r"""
    / /* /. /home /home/ /home/* c:\ c:\* ~ ~/ ~/*
    """
)
