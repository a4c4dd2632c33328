"""TLS settings of a connection, and the contexts made from them."""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from dataclasses import dataclass, field
from functools import lru_cache

import certifi

from steprunners.errors import BadConfig


@dataclass(frozen=True)
class TlsOptions:
    """Whether the server is verified; an authority, the client's certificate and its key in PEM form."""

    verify: bool = True
    ca_certificate: str | None = None
    client_certificate: str | None = field(default=None, repr=False)
    client_key: str | None = field(default=None, repr=False)

    def without_client(self) -> TlsOptions:
        """Return the options for a server that must not see the client's certificate."""
        return TlsOptions(self.verify, self.ca_certificate)


DEFAULT_TLS = TlsOptions()


_making = threading.Lock()


def context_for(options: TlsOptions) -> ssl.SSLContext:
    """Return the shared context; raise BadConfig where a PEM text cannot be used.

    The authorities of the system and of certifi are trusted, and `ca_certificate` in addition.
    """
    with _making:  # reading the authorities is slow: threads that start together must do it once
        return _make_context(options)


@lru_cache(maxsize=64)
def _make_context(options: TlsOptions) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if options.verify:
        context.load_verify_locations(cafile=certifi.where())
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.ca_certificate:
        try:
            context.load_verify_locations(cadata=options.ca_certificate)
        except (ssl.SSLError, ValueError) as error:
            raise BadConfig("caCertificate is not a certificate in PEM form") from error
    if options.client_certificate:
        _load_client(context, options.client_certificate, options.client_key)
    return context


def _load_client(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    # OpenSSL reads the pair only from a file; nobody else can read this file, and it is deleted at once.
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{certificate}\n{key or ''}\n")
        context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise BadConfig(
            "clientCertificate and clientKey are not a matching pair in PEM form, without a password"
        ) from error
    finally:
        os.unlink(path)


def _no_password() -> str:
    # Without this OpenSSL would ask at the terminal for the password of an encrypted key.
    return ""


def why_untrusted(error: BaseException) -> str | None:
    """Return what was wrong with TLS, in words for a tester; None where neither the error nor a cause is about TLS."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {seen.verify_message.rstrip('.')}"
        if isinstance(seen, ssl.SSLError):
            return f"TLS failed: {(seen.reason or str(seen)).replace('_', ' ').lower()}"
        seen = _inner(seen)
    return None


def _inner(error: BaseException) -> BaseException | None:
    nested = next((each for each in error.args if isinstance(each, BaseException)), None)
    return nested or error.__cause__
