"""A stage keeps its port in a file, and moves where somebody else was quicker."""

import socket
import subprocess
import sys
from pathlib import Path

from deploy.local.engine import free_port
from deploy.local.ports import Ports
from deploy.local.processes import Processes
from deploy.local.programs import Program
from deploy.local.stack import wait_ready

PRINT_PORT = [sys.executable, "-c", "import os; print(os.environ['PORT'])"]
# Answers every request, as a stage does that is ready.
SERVER = """
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
class Server(http.server.HTTPServer):
    allow_reuse_address = False
Server(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""


def printed(command: list[str]) -> int:
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_a_process_is_given_the_port_that_it_has_now(tmp_path: Path) -> None:
    ports = Ports({"writer": free_port(), "gateway": free_port()}, tmp_path)
    command = ports.command("writer", PRINT_PORT)
    assert printed(command) == ports["writer"]
    with socket.socket() as quicker:
        quicker.bind(("127.0.0.1", before := ports["writer"]))
        quicker.listen()
        ports.move("writer")
    assert printed(command) == ports["writer"] != before
    assert printed(ports.command("gateway", PRINT_PORT)) == ports["gateway"]


def test_a_free_port_and_the_gateways_stay(tmp_path: Path) -> None:
    ports = Ports({"writer": free_port(), "gateway": free_port()}, tmp_path)
    before = dict(ports)
    with socket.socket() as quicker:
        quicker.bind(("127.0.0.1", ports["gateway"]))
        quicker.listen()
        ports.move("gateway")
        ports.move("writer")
    assert ports == before


def test_a_process_whose_port_was_taken_meanwhile_starts_on_another(tmp_path: Path) -> None:
    ports = Ports({"writer": free_port()}, tmp_path)
    (tmp_path / "server.py").write_text(SERVER)
    command = ports.command("writer", [sys.executable, str(tmp_path / "server.py")])
    program = Program("writer", "services", command, tmp_path / "logs" / "writer.log", stop_seconds=5)
    with socket.socket() as quicker:
        quicker.bind(("127.0.0.1", before := ports["writer"]))
        quicker.listen()
        with Processes([program], ["services"], tmp_path, {}) as processes:
            processes.start("services")
            wait_ready(processes, program, ports)
            assert ports["writer"] != before
            assert processes.listens(program, ports["writer"])
