"""All checks of a deployment from outside, in the order of the way to it."""

import httpx2

from service.diagnosis.finding import Finding, fail, skip
from service.diagnosis.outside.connection import check_encryption, check_name, check_port
from service.diagnosis.outside.dictating import Account, NotLetIn, check_dictation, signed_in
from service.diagnosis.outside.pages import (
    check_bodies,
    check_guessing,
    check_health,
    check_pages,
    check_redirect,
)
from service.diagnosis.outside.sockets import check_heartbeat, check_refusal
from service.diagnosis.outside.target import Target, client


async def examine_server(
    target: Target,
    account: Account | None,
    *,
    http_port: int | None = None,
    deep: bool = False,
) -> list[Finding]:
    """Run every check that makes sense after those before it.

    Where the certificate is wrong the rest is looked at all the same, but nothing secret is sent.

    Args:
        target: the server.
        account: who dictates; None: nobody, sockets and dictation are not tried, unless the server knows
            no login.
        http_port: where plain HTTP may answer; None: 80 where the server is at 443.
        deep: guess a password too, of an account that does not exist; the audit log tells of it.
    """
    found = [await check_name(target)]
    if not _broken(found):
        found.append(await check_port(target))
    if _broken(found):
        return found
    encryption = await check_encryption(target)
    found += encryption
    if encryption[0].key == "outside.tls_failed":
        return found
    is_verified = not target.is_encrypted or not _broken(encryption)
    if target.is_encrypted:
        redirect = await check_redirect(target, port=http_port)
        found += [redirect] if redirect else []
    async with client(target, is_verified=is_verified) as http:
        try:
            health = await check_health(http)
            found += health
            if health[0].status == "fail":
                return found
            found += await check_pages(http, target)
            found += await check_bodies(target, is_verified=is_verified)
            if deep:
                found.append(await check_guessing(http))
        except httpx2.HTTPError as exc:
            return [*found, fail("answers", "outside.silent", kind=type(exc).__name__)]
        found.append(await check_refusal(target, is_verified=is_verified))
        if any(finding.key == "outside.login_off_here" for finding in found):
            # Nobody has a login there: the sample is dictated as everybody dictates.
            found += await check_dictation(target, None)
            if account is not None:
                found.append(skip("account", "outside.not_needed"))
        else:
            found += await _as_somebody(target, http, account, is_verified=is_verified)
    return found


async def _as_somebody(
    target: Target, http: httpx2.AsyncClient, account: Account | None, *, is_verified: bool
) -> list[Finding]:
    if account is None:
        return [skip("account", "outside.nobody")]
    if account.token is None and account.password is None:
        return [skip("account", "outside.not_needed")]
    if not is_verified or not (target.is_encrypted or target.is_here):
        return [fail("account", "outside.not_private")]
    found: list[Finding] = []
    try:
        async with signed_in(http, account) as token:
            found.append(await check_heartbeat(target, token))
            found += await check_dictation(target, token)
    except NotLetIn as exc:
        found.append(fail("account", "outside.not_let_in", code=exc.code))
    except httpx2.HTTPError as exc:  # perhaps only the signing out
        found.append(fail("account", "outside.silent", kind=type(exc).__name__))
    return found


def _broken(found: list[Finding]) -> bool:
    return any(finding.status == "fail" for finding in found)
