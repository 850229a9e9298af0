"""What YouTube's error responses mean, by their reasons: 403 is quota, speed, permission and our own key alike.

Its messages hold HTML and are never shown.
https://developers.google.com/youtube/v3/docs/errors, https://cloud.google.com/apis/design/errors (ErrorInfo)
"""

from integrations import own_credentials
from integrations.youtube.limits import TITLE, reasons
from kit.errors import ContentBlockedError, ImportProblem, IntegrationAuthError
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


def explain(response: Response, *, connected: bool) -> ImportProblem | None:
    """Return what the reasons say; None where the status says enough."""
    status, why = response.status, reasons(response)
    if why & _BLOCKED:
        return ContentBlockedError("YouTube no longer shows this channel.")
    if told := why & (_KEY | _PROJECT):
        setting = "YOUTUBE_API_KEY" if not connected or told & _KEY else "GOOGLE_CLIENT_SECRET"
        return own_credentials.refused(TITLE, setting, min(told))
    if not connected and status == 403 and why & _NOT_PUBLIC:
        return IntegrationAuthError.reconnect(TITLE, "youtube", "{title} does not allow us to read this.")
    if why & _LACKS_SCOPE and (connected or status not in (401, 403)):
        return IntegrationAuthError.reconnect(
            TITLE, "youtube", "Your {title} account is connected, but without the permission to read from it."
        )
    return None
