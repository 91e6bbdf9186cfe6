"""The parts of accounts, put together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from service.accounts.access_tokens import KEY_PURPOSE, AccessTokens
from service.accounts.addresses import ClientAddresses
from service.accounts.api_keys import ApiKeys
from service.accounts.authenticator import SignedInAuthenticator
from service.accounts.devices import CloseSockets, Devices
from service.accounts.gate import Authenticator
from service.accounts.invitations import Invitations
from service.accounts.local import LocalAuthenticator
from service.accounts.origins import origin_check
from service.accounts.password_rules import PasswordRules
from service.accounts.passwords import Passwords
from service.accounts.people import People
from service.accounts.refreshing import Lifetimes, RefreshTokens
from service.accounts.signing_in import SigningIn
from service.accounts.throttling import KEY_PURPOSE as THROTTLING_PURPOSE
from service.accounts.throttling import Throttle
from service.accounts.tickets import Tickets
from service.settings import Settings
from service.storage.opening import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Everything about who people are."""

    people: People
    signing_in: SigningIn
    invitations: Invitations
    devices: Devices
    keys: ApiKeys
    tickets: Tickets
    addresses: ClientAddresses
    login_is_required: bool
    deleted: asyncio.Event
    """Set when somebody was deleted whose rows are to go."""
    authenticator: Authenticator


@contextmanager
def open_accounts(
    settings: Settings,
    storage: Storage,
    *,
    login_is_required: bool,
    close_sockets: CloseSockets = lambda _: None,
) -> Iterator[Accounts]:
    """Make the parts; ends the threads of passwords afterwards.

    Args:
        settings: of the service.
        storage: where accounts are.
        login_is_required: as `service.accounts.local` decided.
        close_sockets: of this process.
    """
    postgres, master = storage.postgres, storage.keys.master
    passwords, deleted = Passwords(), asyncio.Event()
    access = AccessTokens(
        lambda: (master.named(name).derived(KEY_PURPOSE) for name in master.names)
    )
    keys, tickets = ApiKeys(postgres), Tickets(postgres)
    people = People(
        postgres,
        keys=storage.keys,
        passwords=passwords,
        rules=PasswordRules(),
        close_sockets=close_sockets,
        erase_soon=deleted.set,
    )
    signing_in = SigningIn(
        postgres,
        passwords=passwords,
        people=people,
        throttle=Throttle(postgres, master.derived(THROTTLING_PURPOSE)),
        access=access,
        refreshing=RefreshTokens(
            postgres,
            Lifetimes(
                idle=timedelta(days=settings.sign_in_idle_days),
                total=timedelta(days=settings.sign_in_days),
            ),
        ),
        close_sockets=close_sockets,
    )
    authenticator: Authenticator = LocalAuthenticator(origin_check(settings.allowed_origins))
    if login_is_required:
        authenticator = SignedInAuthenticator(postgres, tokens=access, keys=keys, tickets=tickets)
    try:
        yield Accounts(
            people=people,
            signing_in=signing_in,
            invitations=Invitations(postgres, people, signing_in),
            devices=Devices(postgres, close_sockets),
            keys=keys,
            tickets=tickets,
            addresses=ClientAddresses(settings.trusted_proxies),
            login_is_required=login_is_required,
            deleted=deleted,
            authenticator=authenticator,
        )
    finally:
        passwords.close()
