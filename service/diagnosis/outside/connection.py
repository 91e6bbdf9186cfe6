"""The way to the server: its name, its port, its certificate."""

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from service.diagnosis.finding import Finding, fail, ok, warn
from service.diagnosis.outside.target import PATIENCE_S, Target, context

EARLY_DAYS: Final = 14
"""Certificates of Let's Encrypt are renewed thirty days before they end; as in thresholds.toml."""

# Results of OpenSSL's verification, x509_vfy.h: X509_V_ERR_….
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_NO_ISSUER: Final = frozenset({2, 20, 21})
_NAME: Final = frozenset({62, 64})


async def check_name(target: Target) -> Finding:
    """See whether the name is known."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return fail("name", "outside.name_unknown", host=target.host)
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    return ok("name", "outside.name", host=target.host, addresses=addresses)


async def check_port(target: Target) -> Finding:
    """See whether something listens."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except (OSError, TimeoutError) as exc:
        kind = "timeout" if isinstance(exc, TimeoutError) else type(exc).__name__
        return fail("port", "outside.port_closed", host=target.host, port=target.port, kind=kind)
    took_ms = round(1000 * (time.monotonic() - begun))
    writer.transport.abort()
    return ok("port", "outside.port", host=target.host, port=target.port, ms=took_ms)


async def check_encryption(target: Target) -> list[Finding]:
    """See how the connection is encrypted, and whether the certificate is right.

    A certificate that is wrong is looked at all the same, to say how long it lasts.
    """
    if not target.is_encrypted:
        key = "outside.plain_here" if target.is_here else "outside.plain"
        return [(ok if target.is_here else fail)("encryption", key)]
    try:
        version, cipher, certificate = await _shaken_hands(target, is_verified=False)
    except (OSError, TimeoutError) as exc:
        return [fail("encryption", "outside.tls_failed", kind=type(exc).__name__)]
    modern = version == "TLSv1.3"
    how = (
        ok("encryption", "outside.tls", version=version, cipher=cipher)
        if modern
        else warn("encryption", "outside.tls_old", version=version)
    )
    try:
        await _shaken_hands(target, is_verified=True)
    except ssl.SSLCertVerificationError as exc:
        return [how, _wrong(exc.verify_code, target, certificate)]
    except (OSError, TimeoutError) as exc:
        return [how, fail("certificate", "outside.tls_failed", kind=type(exc).__name__)]
    days = _days_left(certificate)
    if days < EARLY_DAYS:
        return [how, warn("certificate", "outside.certificate_ending", days=days)]
    return [how, ok("certificate", "outside.certificate", host=target.host, days=days)]


async def _shaken_hands(target: Target, *, is_verified: bool) -> tuple[str, str, bytes]:
    """Connect; give the version of TLS, the cipher and the certificate (DER)."""
    async with asyncio.timeout(PATIENCE_S):
        _, writer = await asyncio.open_connection(
            target.host, target.port, ssl=context(is_verified=is_verified)
        )
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        cipher = connection.cipher()
        certificate = connection.getpeercert(binary_form=True)
        return connection.version() or "", cipher[0] if cipher else "", certificate or b""
    finally:
        writer.transport.abort()


def _wrong(verify_code: int, target: Target, certificate: bytes) -> Finding:
    if verify_code == _EXPIRED:
        return fail("certificate", "outside.certificate_expired", days=-_days_left(certificate))
    if verify_code == _NOT_YET_VALID:
        return fail("certificate", "outside.certificate_early")
    if verify_code in _NAME:
        names = ", ".join(_names(certificate)) or "-"
        return fail("certificate", "outside.certificate_name", host=target.host, names=names)
    if verify_code in _NO_ISSUER:
        return fail("certificate", "outside.certificate_chain")
    return fail("certificate", "outside.certificate_untrusted")


def _days_left(certificate: bytes) -> int:
    ends = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    return (ends - datetime.now(UTC)).days


def _names(certificate: bytes) -> list[str]:
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.get_values_for_type(x509.DNSName)
