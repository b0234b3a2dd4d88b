"""The words by which it is told to what something is done, how much of it, where and when. Data alone."""

from __future__ import annotations

from .lexicon import by_word, words

# By the kind of target that they name.
TARGETS = by_word(
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
            card credit ssn queue
            user customer client account record database db table schema collection knowledgebase backup
            snapshot bucket volume data dataset order payment invoice daten datenbank données datos
            dados dati base gegevens transaction patient employee member row email mailbox profile index
            archive warehouse tenant storage money fund pii history memory postgres mysql mongodb redis
            everything
        """,
        "system": """
            authentication authorization auth 2fa encryption monitoring logging edr malware rootkit backdoor ransomware
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
            shadow passphrase id_rsa keystore kubeconfig pem cookie
        """,
    }
)

# To destroy one of these is to destroy all that it holds.
WHOLE = words(
    """
    backup base bucket cluster collection database daten datenbank db disk drive environment everything
    filesystem hdd history host index infra infrastructure knowledgebase live machine mongodb mysql namespace
    nvme os partition postgres prod production raid redis registry repo repository root schema server ssd stack
    storage system table tenant terraform vault vm volume warehouse
    """
)

SCOPES = by_word(
    {
        "all": """
            --all
            all every everything entire whole complete completely any each everyone everybody *
            recursively totally globally fully alle alles tous toutes tout todos todas todo tutti tutte
            all'
        """,
        "many": """
            --recursive
            many several multiple bulk batch most some old stale unused multi various -r -rf -fr
            recursive
        """,
        "outside": """
            public publicly internet external externally outside web world partner worldwide
        """,
    }
)

ENVIRONMENTS = by_word(
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

OFF_HOURS = words(
    """
    christmas easter friday holiday midnight night offhours saturday sunday weekend
    """
)

FOR_GOOD = words(
    """
    --force --hard -f -fr -rf force forced forcibly forever irrecoverably irreversible irreversibly irrevocably
    permanent permanently unrecoverable
    """
)

UNDOABLE = words(
    """
    recoverable reversible reversibly revertible soft softly undoable
    """
)

# With one of them a token is a piece of text, no secret.
COUNTED = words(
    """
    budget count embed how length usage
    """
)

SECRET_PATHS = tuple(
    words(
        """
        /etc/shadow /.ssh .ssh/ id_rsa id_ed25519 /.aws .aws/ /.kube .kube/ /.gnupg .pem .env credentials
        secrets /.netrc .npmrc .pgpass operator.token
        """
    )
)
SCRATCH_PATHS = tuple(
    words(
        """
        /tmp /var/tmp /var/cache node_modules __pycache__ .cache ./build ./dist target/
        """
    )
)
SYSTEM_PATHS = tuple(
    words(
        r"""
        /etc /usr /bin /sbin /boot /lib /dev /sys /proc /root /opt /var c:\
        """
    )
)
WHOLE_PATHS = words(
    r"""
    / /* /. /home /home/ /home/* c:\ c:\* ~ ~/ ~/*
    """
)

# Where whole stores of data are named like paths.
STORES = ("s3://", "gs://", "hdfs://", "az://")
