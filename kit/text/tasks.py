"""What a worker process does with texts, see `kit.workers`."""

from kit.text.render import render

TASKS = {"render": render}
