"""GitHub and YouTube with one thing each, which everybody sees or one account alone, and the faults of credentials."""

import base64
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

Fault = Literal["none", "refused once", "refused for good", "key wrong"]
LINKS = {"github": "https://github.com/quill-example/inkwell", "youtube": "https://youtube.com/watch?v=quillInk001"}


@dataclass
class Upstreams:
    """`refused once` is over with the pause before the second try, or with a renewed token."""

    public: bool = True
    fault: Fault = "none"

    def calm_down(self) -> None:
        if self.fault == "refused once":
            self.fault = "none"

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        match request.url.host, request.url.path:
            case "oauth2.googleapis.com", _:
                return self._renewed()
            case "api.github.com", path if path.startswith("/applications/"):
                return httpx2.Response(404 if self.fault == "refused for good" else 200, json={})
            case "api.github.com", path:
                return self._refusal(request) or self._repository(path, self._shown(request))
        return self._refusal(request) or httpx2.Response(200, json=self._videos(self._shown(request)))

    def _renewed(self) -> httpx2.Response:
        if self.fault == "refused for good":
            return httpx2.Response(400, json={"error": "invalid_grant"})
        self.calm_down()
        return httpx2.Response(
            200, json={"access_token": "member-renewed", "expires_in": 3_600, "token_type": "Bearer"}
        )

    def _refusal(self, request: httpx2.Request) -> httpx2.Response | None:
        refused = self.fault == "key wrong"
        if _by_member(request):
            refused = self.fault in ("refused once", "refused for good")
        if not refused:
            return None
        if request.url.host == "api.github.com":
            return httpx2.Response(401, json={"message": "Bad credentials"})
        reason = "authError" if _by_member(request) else "keyInvalid"
        status = 401 if _by_member(request) else 400
        return httpx2.Response(status, json={"error": {"code": status, "errors": [{"reason": reason}]}})

    def _shown(self, request: httpx2.Request) -> bool:
        return self.public or _by_member(request)

    def _repository(self, path: str, shown: bool) -> httpx2.Response:
        if not shown:
            return httpx2.Response(404, json={"message": "Not Found"})
        body: dict[str, Any] = {"id": 7, "full_name": "quill-example/inkwell", "private": not self.public}
        if path.endswith("/readme"):
            content = base64.b64encode(b"# Ink").decode()
            body = {"path": "README.md", "encoding": "base64", "size": 5, "content": content}
        elif path.endswith("/languages"):
            body = {"C": 1}
        elif path.endswith("/commits"):
            return httpx2.Response(200, json=[])
        return httpx2.Response(200, json=body)

    def _videos(self, shown: bool) -> dict[str, Any]:
        snippet = {"title": "How ink dries", "channelId": "UC38IQsAvIsxxjztdMZQtwHA", "channelTitle": "Quill"}
        status = {"privacyStatus": "public" if self.public else "private"}
        item = {"id": "quillInk001", "snippet": snippet, "status": status, "contentDetails": {"duration": "PT1M"}}
        return {"kind": "youtube#videoListResponse", "items": [item] if shown else []}


def _by_member(request: httpx2.Request) -> bool:
    return "member-" in request.headers.get("authorization", "")
