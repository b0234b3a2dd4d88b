"""The words by which it is told what is done, and how they hang together. Data alone."""

from __future__ import annotations

from .lexicon import by_word, phrases, words

# Words of several, made one before anything else is looked up.
PHRASES = phrases(
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
VERBS = by_word(
    {
        "read": """
            access use
            read list show view get see print display describe explain inspect check monitor watch
            search find query count fetch look summarize summarise analyze analyse review compare diff
            status report tell browse measure verify validate audit trace select scan preview lookup
            retrieve open examine understand learn translate classify rank embed ping probe discuss
            estimate evaluate cat ls grep egrep rg head tail less wc df du ps stat pwd whoami which tree
            uptime whereis dig nslookup echo forecast identify detect plan
        """,
        "write": """
            dump disclose
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
            scrub reset raze evict löscht
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
TALK = words(
    """
    commit
    analyse analyze audit cat check classify comment compare count describe detect discuss display document
    draft echo egrep estimate evaluate explain find grep identify inspect learn list look monitor preview print
    query read report review rg search see show summarise summarize tell trace translate understand view
    """
)

# They run what is made to be run over and over.
HARMLESS_RUN = words(
    """
    build compile format lint reformat test
    """
)

# To undo them takes work.
COSTLY = words(
    """
    reset dump
    abort alter apply cancel chmod chown deploy disable downgrade email export failover format forward grant
    halt hotfix import install iptables kill killall mail merge message migrate move mv overwrite pkill post
    poweroff promote provision publish rebase reboot redeploy release rename replace restart restore revoke
    rollout rotate rsync scale send share ship shutdown stop upgrade
    """
)

IRREVERSIBLE = words(
    """
    buy exfiltrate forcepush hardreset leak pay transfer transmit tweet
    """
)

# They reach beyond the system.
OUTSIDE = words(
    """
    disclose
    buy curl email exfiltrate export expose forward leak mail notify pay post publish release rsync scp send
    share transfer transmit tweet upload wget
    """
)

# Their object is the machine, though nobody says so.
OF_MACHINE = words(
    """
    dd fdisk halt iptables mkfs poweroff reboot setenforce shutdown su sudo visudo wipefs
    """
)

# They take everything with them.
EVERYTHING = words(
    """
    dd fdisk halt killall mkfs poweroff shutdown wipefs
    """
)

NEGATIONS = words(
    """
    avoid can't cannot doesn't don't dont mustn't never no not refrain shouldn't without won't
    """
)

# They may stand between a negation and its verb.
ADVERBS = words(
    """
    be been being
    a actually an even ever from just please really simply the to yet
    """
)

# With one of them shortly before it, a dry run is not what is meant.
BEFORE_DRY_RUN = words(
    """
    after beyond despite disable ignore ignoring no not past real skip skipping without
    """
)

# A verb after one of them is done, too.
JOINERS = words(
    """
    + , after also and before by nor or plus to while
    """
)

SEPARATORS = words("; . && || | & then afterwards afterward ! ?") | {"\n"}

BE = words(
    """
    are be been being get gets getting got is was were
    """
)
