"""Families of command rules, each with what it stops and the near line that it lets pass."""

from __future__ import annotations

import pytest

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.commands import inspect_command


def families(text: str) -> set[str]:
    return {found.rule.removeprefix("command.") for found in inspect_command(text) if found.severity >= Severity.REVIEW}


@pytest.mark.parametrize(
    ("hostile", "near", "family"),
    [
        # publishing
        (
            "aws s3api put-bucket-acl --bucket b --acl public-read",
            "aws s3api put-bucket-acl --bucket b --acl private",
            "exfiltrate",
        ),
        ("gsutil iam ch allUsers:objectViewer gs://b", "gsutil iam ch user:a@example.org:admin gs://b", "exfiltrate"),
        ("python3 -m http.server -d ~", "python3 -m http.server -d ~ -b 127.0.0.1", "exfiltrate"),
        ("mc anonymous set public m/b", "mc anonymous get m/b", "exfiltrate"),
        # spying
        ("cat /dev/input/event3", "ls /dev/input", "credentials"),
        ("xinput test 12", "xinput list", "credentials"),
        ("strace -e trace=read,write -p 4242", "strace -e trace=read ls", "credentials"),
        ("docker cp web:/root/.ssh/id_rsa .", "docker cp web:/app/report.txt .", "credentials"),
        # statements
        ("psql -c 'select usename, passwd from pg_shadow'", "psql -c 'select usename from pg_user'", "credentials"),
        (
            "psql -c \"select 'drop table ' || tablename from pg_tables\"",
            "psql -c 'select tablename from pg_tables'",
            "database",
        ),
        ("psql -c \"copy t to program 'sh'\"", "psql -c 'copy t to stdout'", "privilege"),
        ("psql -c 'alter role eve superuser'", "psql -c 'alter role eve nosuperuser'", "privilege"),
        # verbs
        ("tmutil deletelocalsnapshots /", "tmutil listlocalsnapshots /", "destroy_files"),
        ("gh api -X DELETE repos/o/r/rulesets/1", "gh api repos/o/r/rulesets/1", "disable_security"),
        ("cargo yank --version 1.0.0 lib", "cargo yank --undo --version 1.0.0 lib", "infrastructure"),
        ("createuser --superuser eve", "createuser eve", "privilege"),
        ("vault token create -policy=root", "vault token create -policy=app", "credentials"),
        # resources: clients that no table names
        ("acmecloud database delete prod --force", "acmecloud database list", "infrastructure"),
        ("acmecloud ecs TerminateInstances --id i", "acmecloud ecs DescribeInstances --id i", "infrastructure"),
        ("acmecloud clusters:destroy prod", "acmecloud clusters:destroy prod --dry-run", "infrastructure"),
        # repositories
        ("git push origin --delete main", "git push origin --delete feature/x", "infrastructure"),
        ("git branch -r | xargs -n1 git push origin --delete", "git branch -r --merged", "infrastructure"),
        # wrappers
        (
            "gcloud compute ssh web --command 'rm -rf /var'",
            "gcloud compute ssh web --command uptime",
            "destroy_files",
        ),
        ("salt '*' cmd.run 'rm -rf /srv'", "salt '*' cmd.run 'df -h'", "destroy_files"),
        (r"psql -c '\! rm -rf /var/lib'", r"psql -c '\! ls'", "destroy_files"),
        ("aws-vault exec prod -- terraform destroy", "aws-vault exec prod -- terraform plan", "infrastructure"),
        # PowerShell
        (r"$k = Get-Content C:\Users\bob\.ssh\id_rsa", r"$k = Get-Content C:\Users\bob\notes.txt", "credentials"),
        ("Get-Process | Stop-Process -Force", "Get-Process node | Stop-Process", "exhaust"),
        (
            r"Remove-Item (Get-PSReadlineOption).HistorySavePath",
            r"Remove-Item C:\Users\bob\project\dist -Recurse",
            "cover_tracks",
        ),
        (r"[System.IO.Directory]::Delete('C:\Users', $true)", "[DateTime]::Now.ToString('yyyy')", "destroy_files"),
    ],
)
def test_the_hostile_line_is_stopped_and_the_near_one_passes(hostile: str, near: str, family: str) -> None:
    assert family in families(hostile)
    assert not families(near)


@pytest.mark.parametrize("flag", ["--dry-run", "--dry-run=client", "--help"])
def test_a_dry_run_is_no_hazard(flag: str) -> None:
    assert not families(f"kubectl delete ns prod {flag}")


def test_a_dry_run_that_is_none_is_a_hazard() -> None:
    assert "infrastructure" in families("kubectl delete ns prod --dry-run=none")


def test_backups_that_a_rule_keeps_are_cared_for() -> None:
    assert not families("restic forget --keep-daily 7 --prune")
    assert "infrastructure" in families("restic forget --keep-last 0 --prune")


def test_a_text_in_which_dot_net_is_called_beside_a_command_is_read_as_a_command() -> None:
    assert "destroy_files" in families("[math]::Round(1) ; rm -rf /")
