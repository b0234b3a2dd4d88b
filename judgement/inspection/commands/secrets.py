"""Which files are credentials."""

from __future__ import annotations

import posixpath
from functools import lru_cache

from .globs import any_of, matcher
from .model import HOME, Call
from .targets import normal

_FILES = tuple(
    """
    /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/sudoers /etc/security/opasswd /etc/krb5.keytab
    /etc/master.passwd /etc/ssh/ssh_host_*_key /etc/ssl/private/* /etc/kubernetes/admin.conf /etc/kubernetes/pki/*.key
    /etc/wireguard/*.conf /etc/openvpn/*.key /etc/ppp/*-secrets /etc/rancher/k3s/k3s.yaml
    /etc/letsencrypt/live/*/privkey* /etc/NetworkManager/system-connections/* /var/lib/kubelet/config.json
    /etc/ipsec.secrets /etc/docker/key.json /run/secrets/* /var/run/secrets/* /proc/*/environ /proc/*/mem /proc/kcore
    /dev/mem /var/lib/sss/secrets/* */etc/shadow */etc/gshadow *.kdbx *.kdb *.keystore *.ppk *.p12 *.pfx */.pgpass
    */.netrc */_netrc */.my.cnf */.git-credentials */.npmrc */.pypirc */.htpasswd */.vault-token */.boto */.s3cfg
    */.aws/credentials */.aws/sso/cache/* */.aws/cli/cache/* */.azure/*token* */.azure/accessTokens.json
    */.azure/msal* */gcloud/*credential* */gcloud/access_tokens.db */gcloud/legacy_credentials* */.kube/config
    */kubeconfig */.docker/config.json */.dockercfg */.cargo/credentials* */.gem/credentials */.config/gh/hosts.yml
    */.config/hub */.config/rclone/rclone.conf */.terraform.d/credentials* */.password-store/* */.gnupg/private-keys*
    */.gnupg/secring* */.gnupg/*.kbx */keychains/* *login.keychain* */.local/share/keyrings/* */kwalletd/* *.kwl
    *chrom*/*Login?Data* *chrom*/*Cookies* *Chrom*/*Login?Data* *Chrom*/*Cookies* *Brave*/*Login?Data* */logins.json
    */key4.db */key3.db */cookies.sqlite */signons.sqlite */Login?Data */wallet.dat */.bitcoin/*wallet*
    */.ethereum/keystore* */.electrum/wallets* */.claude/.credentials.json */.codex/auth.json */.config/op/*
    */service-account*.json */application_default_credentials.json */id_rsa */id_dsa */id_ecdsa */id_ed25519
    */id_ecdsa_sk */id_ed25519_sk */identity */.ssh/*_rsa */.ssh/*_ed25519 */.ssh/*.pem */.ssh/*.key */privkey.pem
    */private.key */private.pem *private*key*.pem */server.key */terraform.tfstate */credentials.json */secrets.yml
    */secrets.yaml */.secrets */master.key */wp-config.php */.databrickscfg */.snowflake/*.toml */.m2/settings*.xml
    */.gradle/gradle.properties */.composer/auth.json */NuGet.Config */.config/doctl/config.yaml */.oci/config
    */.oci/*.pem */.huggingface/token */huggingface/token */sops/age/keys.txt */.age/* */gitlab-secrets.json
    */rke2/rke2.yaml */server/token */server/node-token */sasl_passwd* */wpa_supplicant*.conf */grub/user.cfg
    */grub.d/*password* */.config/hcloud/cli.toml */.config/linode-cli */.fly/config.yml */.config/heroku/*
    */.vercel/auth.json */.netlify/config.json */.config/netlify/config.json */.wrangler/config/*.toml
    */.railway/config.json */.config/glab-cli/config.yml */.config/configstore/*.json */.ngrok2/ngrok.yml
    */.config/ngrok/*.yml */.pulumi/credentials.json */.yarnrc.yml */.bundle/config */.mc/config.json */.rclone.conf
    */.smbcredentials */.cifs* */.authinfo* */.msmtprc */.fetchmailrc */.muttrc */.config/Slack/*Cookies*
    */.config/filezilla/* */sitemanager.xml */recentservers.xml */.pam_environment */.hashcat.potfile */.john/john.pot
    */jenkins/credentials.xml */jenkins/secrets/* */hudson.util.Secret */.cloudflared/*.json */.config/cloudflare*
    */.acme.sh/*.key */.step/secrets/* */.minikube/*.key */.talos/config */.config/kopia/* */ansible/vault_pass*
    */.vault_pass* */.vault-pass* */pgadmin4.db */.dbeaver*/credentials-config.json */serviceaccount/token *ntds.dit
    */krb5cc_* *.ccache */unseal* *unseal?key* */init-keys* *recovery?key* *recovery?code* */passwords.* */passdb.tdb
    */secrets.tdb */private/*.ldb */vault-init* */root-token*
    */config/sam */config/system *32configSAM *32configSYSTEM *32configSECURITY
""".split()
)
_FOLDERS = tuple(
    """
    .ssh .gnupg .aws .password-store .kube .azure keyrings gcloud Keychains private pki .mozilla
""".split()
)
_KEY_NAMES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
_PUBLIC = (".pub", ".example", ".sample", ".template", ".dist", ".md", ".tmpl", "known_hosts", "/config.example")


_is_file = any_of(_FILES)
_SAMPLES = (
    *(pattern for pattern in _FILES if not any(mark in pattern for mark in "*?[")),
    *(f"{base}/.ssh/{key}" for base in (HOME, "/root") for key in _KEY_NAMES),
    *(HOME + pattern[1:] for pattern in _FILES if pattern.startswith("*/.") and "*" not in pattern[1:]),
    "/proc/1/environ",
)


_SHARED = ("/srv/", "/home/", "/data/", "/mnt/", "/var/", "/Users/", "/media/", "/opt/")
CONFIDENTIAL = frozenset(
    """
    finance finances hr payroll customers clients patients medical legal contracts invoices salaries accounting
    confidential personnel payments passports hr clinic records
""".split()
)
_PROFILES = ("/Google/Chrome", "/.config/google-chrome", "/.config/chromium", "/Firefox")
_OF_PERSON = frozenset(
    """
    .config .local .thunderbird .mozilla Documents Desktop Downloads Pictures Photos Library Mail Maildir
    .bash_history .zsh_history .bashrc AppData
""".split()
)


@lru_cache(maxsize=4096)
def is_secret(path: str, folder: str = ".") -> bool:
    """Whether the file holds credentials; a path with globs counts by what it would match.

    Args:
        path: as the program gets it.
        folder: where relative paths begin.
    """
    clean = normal(path.removeprefix("file://").replace("\\", "/"), folder)
    if clean.endswith(_PUBLIC):
        return False
    rooted = clean if clean.startswith("/") else "/" + clean.removeprefix("./")
    name = posixpath.basename(clean)
    if _is_file(rooted):
        return name != "identity" or ".ssh" in rooted
    if any(mark in rooted for mark in "*?["):
        return _glob_meets_secret(rooted)
    return False


def _glob_meets_secret(rooted: str) -> bool:
    """Whether a glob such as `/e?c/sh*w` or `~/.ssh/*` matches a well-known secret."""
    if rooted in {"/*", "/**"} or (posixpath.basename(rooted) in {"*.pub", "*"} and "/.ssh" not in rooted):
        return False
    if posixpath.basename(rooted) in {"*.pem", "*.key", "*.ppk", "*.p12", "*_rsa"}:
        return rooted.startswith(("/home", "/root", "/etc", "/*"))
    meets = matcher(rooted)
    return any(meets(sample) for sample in _SAMPLES)


def is_secret_folder(path: str, folder: str = ".") -> bool:
    """Whether a folder as a whole holds credentials."""
    clean = normal(path, folder).removesuffix("/*")
    return posixpath.basename(clean) in _FOLDERS


def is_private(path: str, folder: str = ".") -> bool:
    """Whether it tells about accounts or is a whole part of the machine: harmless to look at, not to send away."""
    clean = normal(path, folder).removesuffix("/*")
    if clean.startswith(("/var/mail", "/var/spool/mail")):
        return True
    if clean in {"/", "/etc", "/home", "/root", "/var", "/var/log", HOME, "/etc/passwd", "/etc/group", "/opt", "/srv"}:
        return True
    if (
        posixpath.dirname(clean) == "/home"
        or clean.startswith(HOME + "/*")
        or clean.startswith(("/var/log/auth", "/var/log/secure", "/var/lib/"))
    ):
        return True
    name = posixpath.basename(clean)
    if _is_of_person(clean) or ((name.startswith(".env") or name.endswith(".env")) and not name.endswith(_PUBLIC)):
        return True
    return name in {".bash_history", ".zsh_history", "Documents", ".bashrc"} or clean == HOME + "/.ssh/config"


def _is_of_person(clean: str) -> bool:
    """Whether it is a browser's profile, a folder that each home has, or named for what a company keeps to itself."""
    if clean.startswith((HOME + "/", "/home/", "/Users/", "/root/")) and not _PERSONAL.isdisjoint(clean.split("/")):
        return True
    home, _, name = clean.rpartition("/")
    if name[:1] == "*" and home.rpartition("/")[2] in _OF_PERSON:
        return True
    return (
        any(profile in clean for profile in _PROFILES)
        or (posixpath.dirname(home) in {"/home", "/Users"} and name in _OF_PERSON)
        or (clean.startswith(_SHARED) and not CONFIDENTIAL.isdisjoint(clean.lower().split("/")))
    )


_PERSONAL = frozenset(
    """
    Messages Mail Maildir Signal TelegramDesktop WhatsApp .thunderbird .mozilla .purple .weechat Safari
""".split()
)
_HUNTED = (
    "akia",
    "begin rsa",
    "private_key",
    "private-key",
    "userpassword",
    "pass",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "credential",
    "private key",
)


def hunts_credentials(call: Call) -> bool:
    """Whether a search is for what credentials are called.

    Args:
        call: of grep or one of its kind.
    """
    pattern = " ".join([*call.operands[:1], *(data.text for data in call.options("-e", "--regexp"))]).lower()
    return any(word in pattern for word in _HUNTED) or "|key" in pattern or "key|" in pattern
