"""Cookies of HTTP answers and requests (RFC 6265): read a Set-Cookie, keep it, send it where it belongs.

Python's `http.cookiejar` follows the older drafts (RFC 2965 and Netscape's) and differs from what browsers do: it
refuses hosts without a dot, ignores a whole header for one wrong attribute, and unquotes values.
"""

from steprunners.network.cookies.jar import CookieJar
from steprunners.network.cookies.matching import Target, target_of

__all__ = ["CookieJar", "Target", "target_of"]
