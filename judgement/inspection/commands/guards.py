"""Programs that guard or record the machine, by the names of their services and processes."""

from __future__ import annotations

import posixpath

_GUARDS = frozenset(
    """
        acct aide apparmor arpwatch auditbeat auditctl auditd cbagentd cbdaemon chkrootkit clamav clamav-daemon clamd
        clamonacc crowdsec crowdstrike csfalcon cylance datadog-agent denyhosts drweb ds_agent ebtables elastic-agent
        elastic-endpoint eset esets fail2ban falco falcon-sensor filebeat firewalld fluent-bit fluentd freshclam
        go-audit grsecurity ip6tables iptables ir_agent journald kaspersky kesl klogd kubearmor laurel littlesnitch
        logstash maldet mcafee mdatp mdatpd mpssvc nessusd nftables node_exporter opensnitch opensnitchd osquery
        osqueryd ossec portsentry promtail psacct psad qualys-cloud-agent rapid7 rkhunter rsyslog rsyslogd rtvscand
        samhain santa santad sav-protect savd selinux sentinelagent sentinelctl sentinelone sep shorewall snort sophos
        splunk splunkd sshguard sssd-kcm suricata sysdig syslog syslog-ng syslogd sysmon sysmonforlinux
        systemd-journal-remote systemd-journald systemd-journald.socket td-agent tetragon threatlocker tomoyo
        traps_pmd tripwire ufw unattended-upgrades usbguard vector velociraptor wazuh msmpeng mssense
        securityhealthservice ccsvchst avp avgnt avastsvc mbamservice symantec norton mcshield sysmondrv falcond
        clamscan clamdscan mbam bitdefender windowsdefender defender cbdefense kicksecure wazuh wazuh-agent wdavdaemon
        windefend xagt
    """.split()
)
_ENDINGS = (".service", ".socket", ".exe", ".pid", ".timer")
_RECORDERS = ("syslog", "journal", "klog", "acct", "audit")


def is_guard(name: str) -> bool:
    """Whether a service, process or its process-id file guards or records the machine."""
    bare = posixpath.basename(name.lower())
    for ending in _ENDINGS:
        bare = bare.removesuffix(ending)
    return bare in _GUARDS or bare.removesuffix("d") in _GUARDS or bare + "d" in _GUARDS


def is_recorder(name: str) -> bool:
    """Whether it keeps the machine's logs."""
    return any(mark in name.lower() for mark in _RECORDERS)


def names_guard(text: str) -> bool:
    """Whether a pattern or a list names a guard anywhere."""
    pieces = "".join(char if char.isalnum() or char in "-_" else " " for char in text.lower()).split()
    return any(is_guard(piece) for piece in pieces)
