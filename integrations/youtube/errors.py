"""What an answer of YouTube other than 200 means: by its reasons, since 403 is quota, speed, permission and our own key
alike. Its messages hold HTML and are never shown.

https://developers.google.com/youtube/v3/docs/errors, https://cloud.google.com/apis/design/errors (ErrorInfo)
"""

from datetime import datetime

from integrations import own_credentials
from integrations.base import Credentials, unexpected
from integrations.youtube.limits import TITLE, limited_until, reasons
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    TokenRefusedError,
)
from kit.http import Response

# Of the API key
_KEY = frozenset(
    {
        "keyinvalid",
        "keyexpired",
        "iprefererblocked",
        "api_key_invalid",
        "api_key_expired",
        "api_key_service_blocked",
        "api_key_http_referrer_blocked",
        "api_key_ip_address_blocked",
        "api_key_android_app_blocked",
        "api_key_ios_app_blocked",
    }
)
# Of the project that our key and our OAuth client belong to: whoever's token a call carries
_PROJECT = frozenset(
    {
        "accessnotconfigured",
        "service_disabled",
        "service_not_visible",
        "billing_disabled",
        "consumer_invalid",
        "consumer_suspended",
        "user_project_denied",
        "user_blocked_by_admin",
    }
)
_BLOCKED = frozenset({"channelclosed", "channelsuspended"})  # by its owner, or by YouTube
# What the public does not see, and an account may
_NOT_PUBLIC = frozenset(
    {"channelforbidden", "playlistforbidden", "playlistitemsnotaccessible", "videoforbidden", "subscriptionforbidden"}
)
_LACKS_SCOPE = frozenset({"insufficientpermissions", "access_token_scope_insufficient"})
_RETRY = "Connect YouTube again, then retry the import."


def problem(response: Response, now: datetime, credentials: Credentials) -> ImportProblem:
    """`credentials` are those that the request carried: without a token, the application's own key."""
    if limit := limited_until(response, now):
        return RateLimitError.resets(TITLE, limit, now)
    status, why, ours = response.status, reasons(response), credentials.token is None
    if why & _BLOCKED:
        return ContentBlockedError("YouTube no longer shows this channel.")
    if told := why & (_KEY | _PROJECT):
        setting = "YOUTUBE_API_KEY" if ours or told & _KEY else "GOOGLE_CLIENT_SECRET"
        return own_credentials.refused(TITLE, setting, min(told))
    if ours and status in (401, 403) and not why & _NOT_PUBLIC:
        return own_credentials.refused(TITLE, "YOUTUBE_API_KEY", "unauthorized" if status == 401 else "forbidden")
    if status == 401:
        return TokenRefusedError("YouTube refused the connected account.", action="connect_youtube", suggestion=_RETRY)
    if why & _LACKS_SCOPE:
        return _auth("Your YouTube account is connected, but without the permission to read from it.", _RETRY)
    if status == 403:
        return _auth("YouTube does not allow us to read this.", _RETRY)
    if status == 404:
        return no_video()
    return unexpected(response)


def no_video() -> ContentNotFoundError:
    return ContentNotFoundError("YouTube has no such video, or it is private.")


def _auth(error: str, suggestion: str) -> IntegrationAuthError:
    return IntegrationAuthError(error, action="connect_youtube", suggestion=suggestion)
