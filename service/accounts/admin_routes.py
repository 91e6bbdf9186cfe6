"""`/v1/admin/*`: accounts of others, invitations, the audit log."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from service.accounts.links import welcome_link
from service.accounts.messages import (
    AuditAnswer,
    AuditEventAnswer,
    InvitationAnswer,
    InvitationsAnswer,
    InviteBody,
    NewInvitationAnswer,
    NewPasswordBody,
    NewUserBody,
    UserAnswer,
    UserChangeBody,
    UsersAnswer,
)
from service.accounts.people import NewPerson
from service.accounts.principal import Principal, Scope
from service.operations import audit
from service.operations.audit import Actor, AuditKind
from service.parts import Parts

Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]


def admin_routes(parts: Parts) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/v1/admin", tags=["admin"])
    accounts, postgres = parts.accounts, parts.storage.postgres
    needs_admin = parts.gate.needs(Scope.ADMIN)

    def actor(principal: Principal, request: Request) -> Actor:
        return Actor(user=principal.user, address=accounts.addresses.of(request))

    @router.get("/users")
    async def users(
        principal: Annotated[Principal, needs_admin], after: UUID | None = None, limit: Limit = 50
    ) -> UsersAnswer:
        """List accounts, in the order they were made."""
        listed = await accounts.people.list(after=after, limit=limit)
        return UsersAnswer(
            users=[UserAnswer.model_validate(person) for person in listed],
            next=listed[-1].id if len(listed) == limit else None,
        )

    @router.post("/users", status_code=201)
    async def create_user(
        body: NewUserBody, request: Request, principal: Annotated[Principal, needs_admin]
    ) -> UserAnswer:
        """Make an account with a password; better invite people, so that they choose their own."""
        user = await accounts.people.create(
            actor(principal, request),
            NewPerson(
                login=body.login,
                password=body.password.get_secret_value(),
                name=body.name,
                role=body.role,
            ),
        )
        return UserAnswer.model_validate(await accounts.people.get(user))

    @router.get("/users/{user_id}")
    async def user(user_id: UUID, principal: Annotated[Principal, needs_admin]) -> UserAnswer:
        """Give an account."""
        return UserAnswer.model_validate(await accounts.people.get(user_id))

    @router.patch("/users/{user_id}")
    async def change_user(
        user_id: UUID,
        body: UserChangeBody,
        request: Request,
        principal: Annotated[Principal, needs_admin],
    ) -> UserAnswer:
        """Change name or role, disable or enable; who is disabled is signed out at once."""
        person = await accounts.people.change(
            actor(principal, request),
            user_id,
            role=body.role,
            disabled=body.disabled,
            name=body.name,
        )
        return UserAnswer.model_validate(person)

    @router.post("/users/{user_id}/password", status_code=204)
    async def set_password(
        user_id: UUID,
        body: NewPasswordBody,
        request: Request,
        principal: Annotated[Principal, needs_admin],
    ) -> None:
        """Set a password for somebody who forgot theirs; their devices are signed out."""
        await accounts.people.set_password(
            actor(principal, request), user_id, body.password.get_secret_value()
        )

    @router.delete("/users/{user_id}", status_code=204)
    async def delete_user(
        user_id: UUID, request: Request, principal: Annotated[Principal, needs_admin]
    ) -> None:
        """Delete an account and everything of it; its keys are destroyed at once."""
        await accounts.people.delete(actor(principal, request), user_id)

    @router.get("/invitations")
    async def invitations(
        principal: Annotated[Principal, needs_admin], before: UUID | None = None, limit: Limit = 50
    ) -> InvitationsAnswer:
        """List open invitations, newest first."""
        listed = await accounts.invitations.list(before=before, limit=limit)
        return InvitationsAnswer(
            invitations=[InvitationAnswer.model_validate(invitation) for invitation in listed],
            next=listed[-1].id if len(listed) == limit else None,
        )

    @router.post("/invitations", status_code=201)
    async def invite(
        body: InviteBody, request: Request, principal: Annotated[Principal, needs_admin]
    ) -> NewInvitationAnswer:
        """Invite somebody; send them the server's address followed by `path`."""
        invitation, token, expires_at = await accounts.invitations.invite(
            actor(principal, request),
            role=body.role,
            login=body.login,
            lasts=timedelta(days=body.expires_in_days),
        )
        return NewInvitationAnswer(
            id=invitation, token=token, path=welcome_link(token), expires_at=expires_at
        )

    @router.delete("/invitations/{invitation_id}", status_code=204)
    async def withdraw_invitation(
        invitation_id: UUID, request: Request, principal: Annotated[Principal, needs_admin]
    ) -> None:
        """Withdraw an invitation that nobody has used."""
        await accounts.invitations.withdraw(actor(principal, request), invitation_id)

    @router.get("/audit")
    async def audit_log(
        principal: Annotated[Principal, needs_admin],
        before: UUID | None = None,
        kind: AuditKind | None = None,
        subject: UUID | None = None,
        limit: Limit = 50,
    ) -> AuditAnswer:
        """Read the audit log, newest first."""
        events = await audit.page(postgres, before=before, limit=limit, kind=kind, subject=subject)
        return AuditAnswer(
            events=[AuditEventAnswer.model_validate(event) for event in events],
            next=events[-1].id if len(events) == limit else None,
        )

    return router
