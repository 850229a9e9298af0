"""Programs that are to run, and supervisord's configuration of them."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 10  # a process that ends sooner has failed to start
START_RETRIES = 3


@dataclass(frozen=True)
class Program:
    name: str
    group: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)  # beside what all programs share
    stop_seconds: int = 30  # from SIGTERM to SIGKILL


def configuration(programs: Sequence[Program], groups: Sequence[str], home: Path, socket: Path) -> str:
    """supervisord's file. Groups stop one after the other, the last first; the members of one group at once."""
    sections: dict[str, dict[str, object]] = {
        "supervisord": {
            "logfile": home / "supervisord.log",
            "logfile_backups": 1,
            "pidfile": home / "supervisord.pid",
            "childlogdir": home,
            "silent": "true",
        },
        "unix_http_server": {"file": socket, "chmod": "0600"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    for priority, group in enumerate(groups, start=1):
        names = ",".join(program.name for program in programs if program.group == group)
        sections[f"group:{group}"] = {"programs": names, "priority": priority}
    for program in programs:
        sections[f"program:{program.name}"] = {
            "command": shlex.join(program.command),
            "environment": ",".join(f'{name}="{value}"' for name, value in program.environment.items()),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": START_SECONDS,
            "startretries": START_RETRIES,
            "stopwaitsecs": program.stop_seconds,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": program.log,
            "stdout_logfile_maxbytes": "20MB",
            "stdout_logfile_backups": 1,
        }
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key}={str(value).replace('%', '%%')}" for key, value in values.items()), ""])
        for name, values in sections.items()
    )
