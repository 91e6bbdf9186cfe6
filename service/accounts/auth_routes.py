"""`/v1/auth/*`: sign in, refresh, sign out, tickets, invitations.

No cookies are set and CORS is not enabled: a page of another address can neither send a token of
ours nor read an answer, so that requests need no further proof of where they come from.
"""

from importlib import resources
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.accounts.invitations import Acceptance
from service.accounts.links import WELCOME_PATH
from service.accounts.messages import (
    AcceptBody,
    InvitationBody,
    InvitedAnswer,
    RefreshBody,
    SetupAnswer,
    SignedInAnswer,
    SignInBody,
    SignOutBody,
    TicketAnswer,
)
from service.accounts.principal import Principal, Scope
from service.accounts.tickets import LIFETIME_S
from service.parts import Parts

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def auth_routes(parts: Parts) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/v1/auth", tags=["auth"])
    accounts = parts.accounts

    @router.get("/setup")
    async def setup() -> SetupAnswer:
        """Say whether people sign in here, and whether there is an administrator."""
        return SetupAnswer(
            login_required=accounts.login_is_required,
            has_admin=await accounts.people.has_admin(),
        )

    @router.post("/login")
    async def login(body: SignInBody, request: Request, response: Response) -> SignedInAnswer:
        """Sign in with login and password."""
        _keep_secret(response)
        signed_in = await accounts.signing_in.sign_in(
            body.login,
            body.password.get_secret_value(),
            device=body.device.description(),
            address=accounts.addresses.of(request),
        )
        return SignedInAnswer.of(signed_in)

    @router.post("/refresh")
    async def refresh(body: RefreshBody, request: Request, response: Response) -> SignedInAnswer:
        """Exchange a refresh token for new tokens.

        Each works once; a repetition within 10 s, by the same device, gives the same next one.
        """
        _keep_secret(response)
        signed_in = await accounts.signing_in.refresh(
            body.refresh_token, device=body.device, address=accounts.addresses.of(request)
        )
        return SignedInAnswer.of(signed_in)

    @router.post("/logout", status_code=204)
    async def logout(body: SignOutBody, request: Request) -> None:
        """Sign this device out; a token that is over already changes nothing."""
        await accounts.signing_in.sign_out(
            body.refresh_token, address=accounts.addresses.of(request)
        )

    @router.post("/tickets", status_code=201)
    async def issue_ticket(
        principal: Annotated[Principal, parts.gate.needs(Scope.DICTATE)], response: Response
    ) -> TicketAnswer:
        """Make a single-use ticket for one socket of a browser."""
        _keep_secret(response)
        return TicketAnswer(ticket=await accounts.tickets.issue(principal), expires_in=LIFETIME_S)

    @router.post("/invitation/open")
    async def open_invitation(body: InvitationBody, response: Response) -> InvitedAnswer:
        """Say for whom an invitation is; in the body, as what is in an address gets into logs."""
        _keep_secret(response)
        invited = await accounts.invitations.opened(body.token)
        return InvitedAnswer(login=invited.login, role=invited.role, is_first=invited.is_setup)

    @router.post("/invitation", status_code=201)
    async def accept_invitation(
        body: AcceptBody, request: Request, response: Response
    ) -> SignedInAnswer:
        """Make the account of somebody invited, or of the first administrator, and sign it in."""
        _keep_secret(response)
        signed_in = await accounts.invitations.accept(
            Acceptance(
                token=body.token,
                login=body.login,
                name=body.name,
                password=body.password.get_secret_value(),
            ),
            device=body.device.description(),
            address=accounts.addresses.of(request),
        )
        return SignedInAnswer.of(signed_in)

    return router


def welcome_page(parts: Parts) -> APIRouter:
    """Make the page on which somebody invited chooses login and password."""
    router = APIRouter(include_in_schema=False)
    folder = resources.files("service.accounts")
    page, script, style = (
        (folder / f"welcome.{kind}").read_text("utf-8") for kind in ("html", "js", "css")
    )

    @router.get(WELCOME_PATH)
    async def welcome() -> HTMLResponse:
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @router.get(f"{WELCOME_PATH}.js")
    async def welcome_script() -> Response:
        return Response(script, media_type="text/javascript", headers=_PAGE_HEADERS)

    @router.get(f"{WELCOME_PATH}.css")
    async def welcome_style() -> Response:
        return Response(style, media_type="text/css", headers=_PAGE_HEADERS)

    return router


def _keep_secret(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
