"""What accounts say over HTTP: bodies of requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from service.accounts.access_tokens import LIFETIME_S
from service.accounts.api_keys import StoredKey
from service.accounts.devices import Device, DeviceDescription
from service.accounts.principal import Role
from service.accounts.signing_in import SignedIn

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_ONE_LINE),
]
OptionalLine = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100, pattern=_ONE_LINE)
]
Login = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_ONE_LINE)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Opaque = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\w-]+$")]


class Body(BaseModel):
    """A body that says nothing we do not know."""

    model_config = ConfigDict(extra="forbid")


class DeviceBody(Body):
    """The program that signs in."""

    id: UUID | None = None
    """Its id of an earlier sign-in, so that the list of devices does not grow."""
    name: Line
    """As its owner knows it, such as the name of the computer."""
    platform: OptionalLine = ""
    client: OptionalLine = ""
    """Name and version of the program."""

    def description(self) -> DeviceDescription:
        """Give it as the service knows it."""
        return DeviceDescription(
            id=self.id, name=self.name, platform=self.platform, client=self.client
        )


class SignInBody(Body):
    """A person signs in."""

    login: Login
    password: Password
    device: DeviceBody


class RefreshBody(Body):
    """A program wants new tokens."""

    refresh_token: Opaque
    device: UUID
    """As it was given at the sign-in."""


class SignOutBody(Body):
    """A program signs out."""

    refresh_token: Opaque


class InvitationBody(Body):
    """Somebody invited asks for whom the invitation is."""

    token: Opaque


class InvitedAnswer(BaseModel):
    """For whom an invitation is."""

    login: str | None
    """Theirs, as whoever invited them wished; none: they choose."""
    role: Role
    is_first: bool
    """It makes the first administrator of the server."""


class AcceptBody(Body):
    """Somebody invited makes their account."""

    token: Opaque
    login: Login | None = None
    """Not needed where the invitation names one."""
    name: OptionalLine = ""
    password: Password
    device: DeviceBody


class PasswordChangeBody(Body):
    """Somebody changes their password."""

    current: Password
    new: Password


class RenameBody(Body):
    """A new name for a device."""

    name: Line


class KeyBody(Body):
    """A key to make."""

    name: Line
    scopes: Annotated[list[Literal["dictate", "library"]], Field(min_length=1, max_length=2)]
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class NewUserBody(Body):
    """An account to make."""

    login: Login
    name: OptionalLine = ""
    password: Password
    role: Role = Role.USER


class UserChangeBody(Body):
    """What to change of an account; what is left out stays."""

    name: OptionalLine | None = None
    role: Role | None = None
    disabled: bool | None = None


class NewPasswordBody(Body):
    """A password given by an administrator."""

    password: Password


class InviteBody(Body):
    """An invitation to make."""

    role: Role = Role.USER
    login: Login | None = None
    expires_in_days: Annotated[int, Field(ge=1, le=90)] = 7


class SetupAnswer(BaseModel):
    """What a client must know before anybody signs in."""

    login_required: bool
    has_admin: bool
    """Whether there is anybody who can let people in."""


class AccountAnswer(BaseModel):
    """An account, as its owner sees it."""

    id: UUID
    login: str | None
    """None: the local user of a server without logins."""
    name: str
    role: Role


class SignedInAnswer(BaseModel):
    """Tokens. Keep the refresh token where nobody else reads it, and only the newest."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750
    expires_in: int = LIFETIME_S
    """Seconds."""
    refresh_token: str
    refresh_expires_at: datetime
    device: UUID
    user: AccountAnswer

    @classmethod
    def of(cls, signed_in: SignedIn) -> "SignedInAnswer":
        """Make the answer."""
        return cls(
            access_token=signed_in.access_token,
            refresh_token=signed_in.refresh.value,
            refresh_expires_at=signed_in.refresh.expires_at,
            device=signed_in.device,
            user=AccountAnswer(
                id=signed_in.user,
                login=signed_in.login,
                name=signed_in.name,
                role=signed_in.role,
            ),
        )


class TicketAnswer(BaseModel):
    """A ticket: offer the subprotocol `ticket.<ticket>` next to `alfavoice.v1`, once."""

    ticket: str
    expires_in: int
    """Seconds."""


class DeviceAnswer(BaseModel):
    """A device."""

    id: UUID
    name: str
    platform: str
    client: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool

    @classmethod
    def of(cls, device: Device, *, current: UUID | None) -> "DeviceAnswer":
        """Make the answer."""
        return cls(
            id=device.id,
            name=device.name,
            platform=device.platform,
            client=device.client,
            created_at=device.created_at,
            last_seen_at=device.last_seen_at,
            is_current=device.id == current,
        )


class DevicesAnswer(BaseModel):
    """All devices that are signed in, at most 50."""

    devices: list[DeviceAnswer]


class KeyAnswer(BaseModel):
    """A key as it is listed."""

    id: UUID
    name: str
    start: str
    """Its first letters."""
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: StoredKey) -> "KeyAnswer":
        """Make the answer."""
        return cls(
            id=key.id,
            name=key.name,
            start=key.start,
            scopes=[scope.value for scope in key.scopes],
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


class NewKeyAnswer(BaseModel):
    """A key just made."""

    key: KeyAnswer
    secret: str
    """The key itself. It is shown this once."""


class KeysAnswer(BaseModel):
    """All keys in force, at most 50."""

    keys: list[KeyAnswer]


class UserAnswer(BaseModel):
    """An account, as an administrator sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    login: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None


class UsersAnswer(BaseModel):
    """A page of accounts."""

    users: list[UserAnswer]
    next: UUID | None
    """`after` of the next page; None: this is the last."""


class InvitationAnswer(BaseModel):
    """An open invitation."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    role: Role
    login: str | None
    created_at: datetime
    expires_at: datetime


class InvitationsAnswer(BaseModel):
    """A page of open invitations."""

    invitations: list[InvitationAnswer]
    next: UUID | None
    """`before` of the next page; None: this is the last."""


class NewInvitationAnswer(BaseModel):
    """An invitation just made."""

    id: UUID
    token: str
    """It is shown this once."""
    path: str
    """To put after the server's address: the link to send. What is after # never reaches a log."""
    expires_at: datetime


class AuditEventAnswer(BaseModel):
    """An event of the audit log."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    kind: str
    actor: UUID | None
    subject: UUID | None
    address: str | None
    outcome: str
    details: dict[str, str | int | bool]


class AuditAnswer(BaseModel):
    """A page of the audit log, newest first."""

    events: list[AuditEventAnswer]
    next: UUID | None
    """`before` of the next page; None: this is the last."""
