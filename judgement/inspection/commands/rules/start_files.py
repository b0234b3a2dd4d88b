"""Files that something starts from, and files that say who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..globs import any_of
from ..model import Call, Hit, block
from ..targets import normal
from .written import HIDDEN_FOLDERS, on_machine, written_paths

_START_FILES = tuple(
    """
    */.rhosts */.shosts /etc/hosts.equiv /etc/shosts.equiv /etc/systemd/nspawn/* */.k5login */.k5users
    /etc/crontab /etc/cron.*/* /etc/cron.* /var/spool/cron /var/spool/cron/* /etc/anacrontab /etc/systemd/system/*
    /etc/systemd/user/* /lib/systemd/system/* /usr/lib/systemd/* /run/systemd/system/* /etc/init.d/* /etc/rc.local
    /etc/rc*.d/* /etc/inittab /etc/profile /etc/profile.d/* /etc/bash.bashrc /etc/bashrc /etc/zsh/* /etc/zshrc
    /etc/environment /etc/ld.so.preload /etc/ld.so.conf.d/* /etc/pam.d/* /etc/udev/rules.d/* /etc/modules
    /etc/modules-load.d/* /etc/update-motd.d/* /etc/xdg/autostart/* /etc/apt/apt.conf.d/*
    /etc/NetworkManager/dispatcher.d/* */security/pam_*.so */site-packages/*.pth */dist-packages/*.pth
    */sitecustomize.py */usercustomize.py /etc/skel/* /etc/X11/Xsession.d/* /etc/initramfs-tools/*
    /etc/dracut.conf.d/* /etc/network/if-*.d/* /etc/dhcp/dhclient-*-hooks.d/* /usr/lib/systemd/* /etc/kernel/*.d/*
    */.ssh/environment /etc/ssh/sshrc /usr/share/git-core/templates/hooks/* /Library/LaunchDaemons/*
    /Library/LaunchAgents/* /root/.ssh/authorized_keys* */.ssh/authorized_keys* */.ssh/rc */.config/autostart/*
    */.config/autostart */.config/systemd/user/* */Library/LaunchAgents/* */etc/crontab */etc/cron.d/* /etc/at.allow
    /etc/supervisor/conf.d/* /etc/supervisord.d/* /etc/monit/* /etc/runit/* /etc/sv/* /etc/s6/* /etc/binfmt.d/*
    /etc/logrotate.d/* /etc/inetd.conf /etc/xinetd.d/* /etc/init/* /var/lib/dpkg/info/*inst /var/lib/dpkg/info/*rm
    /etc/incron.d/* /var/spool/incron/* /etc/ld.so.conf /etc/gdm*/*/Default /etc/lightdm/* /etc/acpi/* /etc/ppp/ip-up*
    /etc/network/interfaces /etc/network/interfaces.d/* /etc/rsyncd.conf /etc/openvpn/*-up* */.config/environment.d/*
    */.config/plasma-workspace/env/* */.xsession* */Library/StartupItems/* /etc/periodic/* /etc/emond.d/*
    */.config/upstart/* /etc/pacman.d/hooks/* /etc/yum/pluginconf.d/*
""".split()
)


_USER_START = tuple(
    """
    /.bashrc /.bash_profile /.profile /.zshrc /.zprofile /.zshenv /.bash_login /.bash_aliases /.bash_logout /.xinitrc
    /.xprofile /profile.ps1 /.config/fish/config.fish /.vimrc /.emacs /.emacs.d/init.el /.config/nvim/init.vim
    /.config/nvim/init.lua /.tmux.conf /.screenrc /.gdbinit /.inputrc /.psqlrc /.pythonrc /.Rprofile /.irbrc
    /.ssh/config /etc/ssh/ssh_config /.gitconfig /.claude/settings.json /.claude/settings.local.json /.mcp.json
    /.git/config /.config/git/config /etc/gitconfig /.direnvrc /.config/kitty/kitty.conf
    /.config/hypr/hyprland.conf /.config/i3/config /.config/sway/config /.Xresources /.wezterm.lua
    /.codex/config.toml /.cursor/mcp.json /.vscode/settings.json /.envrc /.npmrc /.pdbrc
""".split()
)


_STARTERS = (
    "iex",
    "iwr ",
    "invoke-",
    "irm ",
    "start-process",
    "/tmp/",  # noqa: S108
    "/dev/shm",  # noqa: S108
    "/var/tmp",  # noqa: S108
    "nc ",
    "/dev/tcp",
    "curl ",
    "wget ",
    "alias sudo",
    "alias ssh",
    "alias su=",
    "LD_PRELOAD",
    "eval ",
    "base64",
    "nohup",
    "python",
    "perl ",
    "bash -i",
    "socat",
    "PROMPT_COMMAND",
    "trap ",
    "rm -rf",
    "| sh",
    "| bash",
    "ssh()",
    "sudo()",
    "source /",
    "HISTFILE",
    "HISTSIZE",
    "HISTCONTROL",
    "wget",
    "/dev/udp",
    ". /",
    "proxycommand sh",
    "proxycommand bash",
    'match exec "/tmp',
    "localcommand ",
    '(load "/',
    "hookspath",
    "fsmonitor",
    "sshcommand",
    '= "!',
    "= !",
    "/bin/sh -c",
)


_HARMLESS_START = (
    "ssh-agent",
    "pyenv",
    "direnv",
    "starship",
    "rbenv",
    "nodenv",
    "zoxide",
    "brew shellenv",
    "dircolors",
    "fnm env",
    "mise activate",
    "completion",
    "kubectl",
    "nvm.sh",
    "cargo/env",
    "goenv",
    "jenv",
    "mcfly",
    "atuin",
    "thefuck",
    "conda",
    "virtualenvwrapper",
    "fzf",
    "ssh -",
    "alias k=",
)


_AUTH_FILES = tuple(
    """
    /etc/sudoers /etc/doas.conf /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/polkit-1/rules.d /etc/security
    /etc/nsswitch.conf
""".split()
)


_GUARD_FILES = tuple(
    """
    /etc/ssh/sshd_config /etc/selinux/config /etc/hosts.allow /etc/hosts.deny /etc/hosts /etc/resolv.conf
    /etc/apparmor.d /etc/audit /etc/rsyslog /etc/ufw /etc/iptables /etc/nftables.conf /etc/default/grub
    /etc/sysctl.conf /etc/sysctl.d /etc/modprobe.d /etc/clamav /etc/firewalld /etc/crowdsec /etc/rsyslog.d
    /etc/systemd/journald.conf /etc/aide /etc/ssl/openssl.cnf /etc/fail2ban /usr/local/share/ca-certificates
    /etc/ssl/certs /etc/pki/ca-trust
""".split()
)


_is_start_file = any_of(_START_FILES)


_HOOK_MARKS = ("curl", "wget", "/dev/tcp", "nc ", "base64", *HIDDEN_FOLDERS)


_PROJECT_FILES = tuple(
    """
    /.devcontainer/ /devcontainer.json /.pre-commit-config.yaml /lefthook.yml /.bazelrc /.husky/ /.idea/ /.mise.toml
    /.github/workflows/ /.gitlab-ci.yml /.vscode/tasks.json /.vscode/launch.json /.circleci/ /Jenkinsfile /.gitea/
""".split()
)
"""What an editor, a forge or a hook of a project runs without being asked."""
_RUNS_FETCHED = ("| sh", "|sh", "| bash", "|bash", "| python", "/dev/tcp", "base64 -d", "nc -e", *HIDDEN_FOLDERS)


def _persists(path: str, text: str) -> Iterator[Hit]:
    if _is_start_file(path):
        yield block("persist", "leaves something that runs by itself or lets somebody in later")
    elif f"/{path}".endswith(_USER_START) or "/profile.ps1." in path:
        lowered = text.lower()
        if any(mark in text or mark in lowered for mark in _STARTERS) and not any(
            mark in text for mark in _HARMLESS_START
        ):
            yield block("persist", "makes each new shell run something hidden")
    elif any(folder in f"/{path}" for folder in _PROJECT_FILES):
        if any(mark in text for mark in _RUNS_FETCHED):
            yield block("persist", "makes each use of a project run something hidden")
    elif "/.git/hooks/" in f"/{path}" and any(mark in text for mark in _HOOK_MARKS):
        yield block("persist", "makes each use of git run something hidden")


def _hook_copied(call: Call) -> Iterator[Hit]:
    """A file of a temporary folder, put where git runs it."""
    hooks = [path for path, _ in written_paths(call) if "/.git/hooks/" in f"/{path}"]
    sources = [normal(path, call.folder) for path in call.operands[:-1]]
    if hooks and call.name in {"cp", "mv", "ln", "install"} and any(s.startswith(HIDDEN_FOLDERS) for s in sources):
        yield block("persist", "makes each use of git run something hidden")


def _writes(call: Call) -> Iterator[Hit]:
    for written, text in written_paths(call):
        path = on_machine(written)
        yield from _persists(path, text)
        if path.startswith(_AUTH_FILES):
            yield block("privilege", "changes who may do what on the machine")
        elif path.startswith(_GUARD_FILES) and not path.endswith((".bak", ".orig")):
            yield block("disable_security", "changes a file that guards the machine")
        elif path.startswith(
            ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper")
        ) or path.endswith(("/release_agent", "/notify_on_release")):
            yield block("escape", "makes the host's kernel run a program")


def _removes(call: Call) -> Iterator[Hit]:
    if any(normal(path, call.folder).startswith(_GUARD_FILES) for path in call.operands):
        yield block("disable_security", "removes a file that guards the machine")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("rm", "unlink"), _removes),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_hook_copied, _writes)
