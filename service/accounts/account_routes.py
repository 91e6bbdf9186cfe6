"""`/v1/account/*`: one's own account, devices and keys. Not for API keys."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from service.accounts.messages import (
    AccountAnswer,
    DeviceAnswer,
    DevicesAnswer,
    KeyAnswer,
    KeyBody,
    KeysAnswer,
    NewKeyAnswer,
    PasswordChangeBody,
    RenameBody,
)
from service.accounts.principal import Credential, Principal, Scope
from service.operations.audit import Actor
from service.parts import Parts


def account_routes(parts: Parts) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/v1/account", tags=["account"])
    accounts = parts.accounts
    needs_account = parts.gate.needs(Scope.ACCOUNT)

    def actor(principal: Principal, request: Request) -> Actor:
        return Actor(user=principal.user, address=accounts.addresses.of(request))

    @router.get("")
    async def account(principal: Annotated[Principal, needs_account]) -> AccountAnswer:
        """Say who is signed in."""
        if principal.credential is Credential.LOCAL:
            return AccountAnswer(id=principal.user, login=None, name="", role=principal.role)
        person = await accounts.people.get(principal.user)
        return AccountAnswer(id=person.id, login=person.login, name=person.name, role=person.role)

    @router.post("/password", status_code=204)
    async def change_password(
        body: PasswordChangeBody, request: Request, principal: Annotated[Principal, needs_account]
    ) -> None:
        """Change the password; all other devices are signed out."""
        await accounts.signing_in.change_password(
            principal,
            current=body.current.get_secret_value(),
            new=body.new.get_secret_value(),
            address=accounts.addresses.of(request),
        )

    @router.get("/devices")
    async def devices(principal: Annotated[Principal, needs_account]) -> DevicesAnswer:
        """List the devices that are signed in."""
        listed = await accounts.devices.list(principal.user)
        return DevicesAnswer(
            devices=[DeviceAnswer.of(device, current=principal.device) for device in listed]
        )

    @router.patch("/devices/{device_id}")
    async def rename_device(
        device_id: UUID, body: RenameBody, principal: Annotated[Principal, needs_account]
    ) -> DeviceAnswer:
        """Give a device another name."""
        device = await accounts.devices.rename(principal.user, device_id, body.name)
        return DeviceAnswer.of(device, current=principal.device)

    @router.delete("/devices/{device_id}", status_code=204)
    async def revoke_device(
        device_id: UUID, request: Request, principal: Annotated[Principal, needs_account]
    ) -> None:
        """Sign a device out; its sockets are closed at once."""
        await accounts.devices.revoke(actor(principal, request), principal.user, device_id)

    @router.get("/keys")
    async def keys(principal: Annotated[Principal, needs_account]) -> KeysAnswer:
        """List the API keys in force."""
        return KeysAnswer(
            keys=[KeyAnswer.of(key) for key in await accounts.keys.list(principal.user)]
        )

    @router.post("/keys", status_code=201)
    async def create_key(
        body: KeyBody, request: Request, principal: Annotated[Principal, needs_account]
    ) -> NewKeyAnswer:
        """Make an API key for another program. It is shown once."""
        key, secret = await accounts.keys.create(
            actor(principal, request),
            principal.user,
            name=body.name,
            scopes=frozenset(Scope(scope) for scope in body.scopes),
            lasts=None if body.expires_in_days is None else timedelta(days=body.expires_in_days),
        )
        return NewKeyAnswer(key=KeyAnswer.of(key), secret=secret)

    @router.delete("/keys/{key_id}", status_code=204)
    async def revoke_key(
        key_id: UUID, request: Request, principal: Annotated[Principal, needs_account]
    ) -> None:
        """End an API key; sockets and streams opened with it are closed at once."""
        await accounts.keys.revoke(actor(principal, request), principal.user, key_id)
        for close in (parts.sessions.close_sockets, parts.changes.end):
            close(lambda open_with: open_with.key == key_id)

    return router
