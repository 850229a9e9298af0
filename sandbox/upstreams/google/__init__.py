"""Google's OAuth 2.0 and OpenID Connect: https://developers.google.com/identity/openid-connect/openid-connect"""

from sandbox.upstreams.google.openid import HOSTS
from sandbox.upstreams.google.service import Google

__all__ = ["HOSTS", "Google"]
