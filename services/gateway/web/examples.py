"""The examples in the API's description. A test holds each against its schema."""

from typing import Any

Example = dict[str, Any]

TASK_ID = "5d0b9a3e-8f0e-4a57-9a53-0d6f2f4c9f11"
PROJECT_ID = "0b54e3a8-6f43-5f0e-a3a5-3e6f1f2a7c10"
BATCH_ID = "f1c07a52-3a5b-4c0a-8f6e-7f4b3f0e9a2d"
TASKS = "/api/v1/integrations/tasks/"
STATUS_URL = f"{TASKS}{TASK_ID}/"
WHEN = "2026-03-14T15:09:26.535000Z"
LINK = "https://github.com/octocat/hello-world"
CURSOR = "MjAyNi0wMy0xNFQxNTowOToyNiswMDowMCAwYjU0"

IMPORT: Example = {"url": LINK, "is_showcase": True, "is_private": False}
REPOSITORIES: Example = {"urls": [LINK, "https://github.com/octocat/spoon-knife"], "is_showcase": True}
VIDEO: Example = {"video_url": "https://youtu.be/dQw4w9WgXcQ", "is_showcase": True}
CHANNEL: Example = {"channel_url": "https://www.youtube.com/@GoogleDevelopers", "max_videos": 50, "is_showcase": True}
ACCEPTED: Example = {
    "success": True, "task_id": TASK_ID, "status_url": STATUS_URL, "events_url": f"{STATUS_URL}events/",
}  # fmt: skip

_TASK: Example = {
    "kind": "import", "task_id": TASK_ID, "url": LINK, "integration": "github", "version": 3, "created_at": WHEN,
    "updated_at": WHEN,
}  # fmt: skip
PENDING: Example = {**_TASK, "status": "pending", "progress": 0, "message": "Waiting to start"}
PROCESSING: Example = {
    **_TASK, "status": "processing", "stage": "fetcher", "progress": 35, "message": "Analysing the content",
}  # fmt: skip
COMPLETED: Example = {
    **_TASK, "status": "completed", "progress": 100, "message": "Your project is ready", "points": 50,
    "result": {
        "status": "completed", "project_id": PROJECT_ID, "project_slug": "hello-world", "url": "/ada/hello-world",
    },
}  # fmt: skip
FAILED: Example = {
    **_TASK, "status": "failed", "progress": 10, "error": "The repository does not exist, or is private.",
    "error_code": "CONTENT_NOT_FOUND", "action": "check_url",
    "suggestion": "Check that the link is right and that you may see it.",
}  # fmt: skip
REFUSED: Example = {
    "url": "https://github.com/octocat", "success": False, "error": "This link does not lead to a GitHub repository.",
    "error_code": "INVALID_URL", "action": "check_url", "suggestion": "Paste the link of one of their repositories.",
}  # fmt: skip
_BATCH: Example = {
    "kind": "batch", "task_id": BATCH_ID, "integration": "github", "version": 5, "created_at": WHEN,
    "updated_at": WHEN, "total": 3, "points": 50, "refused": [REFUSED],
}  # fmt: skip
BATCH: Example = {
    **_BATCH, "status": "processing", "progress": 67, "message": "1 of 2 imported, 1 refused", "completed": 1,
    "failed": 0, "children": [COMPLETED, PROCESSING],
}  # fmt: skip
TASK_PAGE: Example = {"tasks": [PROCESSING, COMPLETED, FAILED], "next_cursor": CURSOR}
ACCEPTED_BATCH: Example = {
    "success": True, "kind": "batch", "task_id": BATCH_ID, "status_url": f"{TASKS}{BATCH_ID}/",
    "events_url": f"{TASKS}{BATCH_ID}/events/",
    "children": [{"url": LINK, "task_id": TASK_ID, "status_url": STATUS_URL}], "refused": [REFUSED],
}  # fmt: skip
EVENT = f'id: 3\nevent: status\ndata: {{"status": "processing", "task_id": "{TASK_ID}", "progress": 35, …}}\n\n'

SUMMARY: Example = {
    "id": PROJECT_ID, "slug": "hello-world", "url": "/ada/hello-world", "type": "github_repo", "title": "Hello World",
    "description": "A first repository, and the shortest tour of one.", "external_url": LINK, "is_showcase": True,
    "is_private": False, "banner_url": "https://example.org/hello-world.png", "featured_image_url": None,
    "technologies": ["Python"], "project_type": "library", "platform": "github", "source_state": "there",
    "created_at": WHEN, "updated_at": WHEN,
}  # fmt: skip
PROJECT: Example = {
    **SUMMARY, "analysis_source": "model", "seen_at": WHEN, "edited": ["title"],
    "upstream_changes": {"title": "hello-world"},
    "metadata": {"stars": 3, "language": "Python"},
    "content": {
        "blocks": [
            {"type": "cover", "title": "Hello World", "banner_url": "https://example.org/hello-world.png"},
            {
                "type": "text", "content": "# Hello World", "format": "markdown",
                "html": '<h1 id="user-content-hello-world">Hello World</h1>',
            },
        ]
    },
}  # fmt: skip
CONNECTION: Example = {
    "provider": "github", "title": "GitHub", "state": "connected", "account_name": "octocat",
    "scopes": ["user", "user:email"], "missing_scopes": [], "connected_at": WHEN, "last_used_at": WHEN,
}  # fmt: skip
CONNECTIONS: Example = {"connections": [CONNECTION]}
NOTICES: Example = {
    "notices": [
        {
            "kind": "reauth_required", "provider": "github", "action": "connect_github", "created_at": WHEN,
            "text": "GitHub access has expired or was revoked. Connect GitHub again; waiting imports then continue.",
        }
    ]
}  # fmt: skip
STARTED: Example = {"authorize_url": "https://github.com/login/oauth/authorize?response_type=code&client_id=…"}
REPOSITORY_PAGE: Example = {
    "repositories": [
        {
            "url": LINK, "full_name": "octocat/Hello-World", "description": "A first repository.",
            "language": "Python", "stars": 3, "is_private": False, "is_archived": False, "is_fork": False,
            "pushed_at": "2026-03-14T15:09:26Z", "imported": {"project_id": PROJECT_ID, "url": "/ada/hello-world"},
        }
    ],
    "skipped": [], "next_page": "L3VzZXIvcmVwb3M_cGFnZT0y", "private": False,
}  # fmt: skip
NEW_SOURCE: Example = {"url": LINK, "sync_frequency": "daily"}
SOURCE_PATCH: Example = {"sync_frequency": "weekly", "display_name": "My first repository"}
_CHECKED: Example = {
    "state": "ok", "state_reason": None, "last_synced_at": WHEN, "last_checked_at": WHEN,
    "next_sync_at": "2026-03-15T11:42:07Z", "next_reason": "interval",
}  # fmt: skip
SOURCE: Example = {
    **_CHECKED, "id": TASK_ID, "platform": "github", "source_identifier": LINK, "url": LINK,
    "display_name": "octocat/hello-world",
    "sync_enabled": True, "sync_frequency": "daily", "connection": None, "created_at": WHEN, "updated_at": WHEN,
    "metadata": {"repo_full_name": "octocat/Hello-World", "is_fork": False, "is_archived": False, "total_commits": 3,
                 "last_commit_date": WHEN},
}  # fmt: skip
CHANNEL_SOURCE: Example = {
    **_CHECKED, "id": BATCH_ID, "platform": "youtube", "source_identifier": "UCabcdefghijklmnopqrstuv",
    "url": "https://youtube.com/channel/UCabcdefghijklmnopqrstuv", "display_name": "Tide Tables",
    "sync_enabled": True, "sync_frequency": "daily", "connection": None, "created_at": WHEN, "updated_at": WHEN,
    "metadata": {
        "channel_id": "UCabcdefghijklmnopqrstuv", "channel_name": "Tide Tables", "total_videos_imported": 50,
        "subscriber_count": 1234,
    },
}  # fmt: skip
SOURCES: Example = {"sources": [SOURCE], "next_cursor": CURSOR}
HISTORY: Example = {
    **_CHECKED, "next_cursor": None,
    "runs": [
        {
            "id": BATCH_ID, "due_at": WHEN, "reason": "interval", "started_at": WHEN, "finished_at": WHEN,
            "outcome": "changed", "error": None, "cost": {"github.hourly": 2}, "changes": {"updated": 1},
            "items": [
                {
                    "external_id": "1296269", "url": LINK, "title": "Hello-World", "outcome": "updated",
                    "reason": None, "error_code": None, "task_id": TASK_ID,
                }
            ],
            "next_sync_at": "2026-03-15T11:42:07Z", "next_reason": "interval",
        }
    ],
}  # fmt: skip
IMPORTED: Example = {"success": True, "project": PROJECT}
PROJECTS: Example = {"projects": [SUMMARY], "next_cursor": CURSOR}
PROJECT_PATCH: Example = {"title": "Hello World", "is_showcase": False}
_AGENT: Example = {
    "username": "tide-tables", "display_name": "Tide Tables", "kind": "agent",
    "avatar_url": "https://example.org/tides.png",
}  # fmt: skip
_LINKS: list[Example] = [{"title": "Site", "url": "https://example.org/"}]
EXPLORE: Example = {"projects": [{**SUMMARY, "owner": _AGENT}], "next_cursor": CURSOR}
PROFILE: Example = {
    "username": "ada", "display_name": "Ada Lovelace", "kind": "person", "avatar_url": "https://example.org/ada.png",
    "links": _LINKS, "created_at": WHEN, "points": 150, "projects": [SUMMARY], "next_cursor": None,
}  # fmt: skip
NEW_AGENT: Example = {
    "channel_url": "https://www.youtube.com/@tidetables", "name": "Tide Tables",
    "avatar_url": "https://example.org/tides.png", "links": _LINKS,
}  # fmt: skip
AGENT_PATCH: Example = {"paused": True}
AGENT: Example = {
    **_AGENT, "links": _LINKS, "created_at": WHEN, "profile_url": "/api/v1/users/tide-tables/",
    "source": {
        "platform": "youtube", "url": "https://youtube.com/channel/UCabcdefghijklmnopqrstuv", "state": "ok",
        "display_name": "Tide Tables", "sync_enabled": True, "last_synced_at": WHEN,
        "next_sync_at": "2026-03-15T15:09:26.535000Z",
    },
}  # fmt: skip
AGENT_DETAIL: Example = {**AGENT, "task": None}
CREATED_AGENT: Example = {"success": True, "created": True, "agent": AGENT_DETAIL}
AGENTS: Example = {"agents": [AGENT], "next_cursor": None}
POINTS: Example = {
    "total": 150,
    "entries": [
        {"id": TASK_ID, "project_id": PROJECT_ID, "points": 50, "reason": "project_create", "awarded_at": WHEN}
    ],
    "next_cursor": None,
}
INTEGRATIONS: Example = {"integrations": [{"name": "github", "title": "GitHub", "supports_auto_sync": True}]}

ME: Example = {
    "id": "user-ada", "username": "ada", "display_name": "Ada Lovelace", "kind": "person",
    "avatar_url": "https://example.org/ada.png", "links": [{"title": "Site", "url": "https://example.org/"}],
    "roles": [], "created_at": WHEN,
    "identities": [{"provider": "github", "account_name": "ada", "linked_at": WHEN}],
}  # fmt: skip
ME_PATCH: Example = {"display_name": "Ada Lovelace", "links": [{"title": "Site", "url": "https://example.org/"}]}
NEW_TOKEN: Example = {"name": "Laptop", "expires_in_days": 90}
_TOKEN: Example = {
    "id": TASK_ID, "name": "Laptop", "created_at": WHEN, "expires_at": "2026-06-12T15:09:26.535000Z",
    "last_used_at": None,
}  # fmt: skip
CREATED_TOKEN: Example = {**_TOKEN, "token": "thrive_pat_…"}
TOKENS: Example = {"tokens": [_TOKEN]}
