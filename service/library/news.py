"""The routes of news: what the operator tells everybody, and what of it a person has read."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.accounts.principal import Principal, Scope
from service.library.fields import Line, Text
from service.library.preferences import preferences_of, write_preferences
from service.parts import Parts
from service.problems import RequestRefused, not_found
from service.storage.items import PostgresItems
from service.storage.news import Announcement, Position, PostgresNews, StoredAnnouncement

_MOST_READ: Final = 500
_TRIES: Final = 5
_POSITION: Final = struct.Struct(">q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Cursor = Annotated[str | None, Query(max_length=64)]
Moment = Annotated[AwareDatetime, Field(ge=_EPOCH, le=datetime(9000, 1, 1, tzinfo=UTC))]


class NewsFields(BaseModel):
    """An announcement as the operator writes it."""

    model_config = ConfigDict(extra="forbid")

    title_ru: Annotated[Line, Field(max_length=200)]
    title_en: Annotated[Line, Field(max_length=200)]
    body_ru: Annotated[Text, Field(max_length=10_000)]
    body_en: Annotated[Text, Field(max_length=10_000)]
    is_important: bool = False
    published_at: Moment | None = None
    """When people see it; none: now."""
    expires_at: Moment | None = None
    """When people do not see it any more; none: never."""


class AdminNewsView(NewsFields):
    """An announcement, for the operator."""

    id: UUID
    published_at: AwareDatetime
    expires_at: AwareDatetime | None


class AdminNewsPage(BaseModel):
    """Some announcements, newest first."""

    news: list[AdminNewsView]
    next: str | None
    """`before` of the next page; none: this is the last."""


class NewsView(BaseModel):
    """An announcement in one language."""

    id: UUID
    title: str
    body: str
    is_important: bool
    published_at: AwareDatetime
    is_read: bool


class NewsPage(BaseModel):
    """Some announcements, newest first."""

    news: list[NewsView]
    next: str | None
    """`before` of the next, older page; none: this is the last."""
    newest: str | None
    """Give it as `since` next time to hear only of what is newer."""


def news_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/news` and `/v1/admin/news`."""
    router = APIRouter(tags=["news"])
    news = PostgresNews(parts.storage.postgres)
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    reader, operator = parts.gate.needs(Scope.LIBRARY), parts.gate.needs(Scope.ADMIN)

    @router.get("/v1/news")
    async def list_news(
        principal: Annotated[Principal, reader],
        language: Literal["ru", "en"] = "ru",
        since: Cursor = None,
        before: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> NewsPage:
        found = await news.shown(
            principal.user, before=_position(before), since=_position(since), limit=limit + 1
        )
        page = found[:limit]
        values = (await preferences_of(items, principal.user)).values
        read, until = set(values.news_read), values.news_read_until
        return NewsPage(
            news=[
                _shown(
                    one,
                    language,
                    is_read=one.id in read or (until is not None and one.published_at <= until),
                )
                for one in page
            ],
            next=_cursor(page[-1].position) if len(found) > limit else None,
            newest=_cursor(page[0].position) if page else since,
        )

    @router.post("/v1/news/{news_id}/read", status_code=204)
    async def mark_read(
        principal: Annotated[Principal, reader], news_id: Annotated[UUID, Path()]
    ) -> None:
        if await news.get(news_id) is None:
            raise not_found("announcement")
        for tries_left in reversed(range(_TRIES)):
            stored = await preferences_of(items, principal.user)
            read = [str(one) for one in stored.values.news_read if one != news_id]
            values = {"news_read": [*read, str(news_id)][-_MOST_READ:]}
            try:
                await write_preferences(items, principal, values, if_change=stored.change)
            except RequestRefused as refusal:
                # Another device marked another one in between.
                if refusal.code == "library.changed" and tries_left:
                    continue
                raise
            return

    @router.get("/v1/admin/news")
    async def list_all_news(
        principal: Annotated[Principal, operator],
        before: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> AdminNewsPage:
        found = await news.page(before=_position(before), limit=limit + 1)
        page = found[:limit]
        return AdminNewsPage(
            news=[_whole(one) for one in page],
            next=_cursor(page[-1].position) if len(found) > limit else None,
        )

    @router.post("/v1/admin/news", status_code=201)
    async def publish_news(
        principal: Annotated[Principal, operator], announcement: NewsFields
    ) -> AdminNewsView:
        return _whole(await news.add(_announcement(announcement), by=principal.user))

    @router.get("/v1/admin/news/{news_id}")
    async def read_news(
        principal: Annotated[Principal, operator], news_id: Annotated[UUID, Path()]
    ) -> AdminNewsView:
        return _whole(_there(await news.get(news_id)))

    @router.put("/v1/admin/news/{news_id}")
    async def change_news(
        principal: Annotated[Principal, operator],
        news_id: Annotated[UUID, Path()],
        announcement: NewsFields,
    ) -> AdminNewsView:
        return _whole(_there(await news.replace(news_id, _announcement(announcement))))

    @router.delete("/v1/admin/news/{news_id}", status_code=204)
    async def delete_news(
        principal: Annotated[Principal, operator], news_id: Annotated[UUID, Path()]
    ) -> None:
        if not await news.delete(news_id):
            raise not_found("announcement")

    return router


def _there(found: StoredAnnouncement | None) -> StoredAnnouncement:
    if found is None:
        raise not_found("announcement")
    return found


def _announcement(fields: NewsFields) -> Announcement:
    return Announcement(**fields.model_dump())


def _whole(stored: StoredAnnouncement) -> AdminNewsView:
    one = stored.announcement
    return AdminNewsView(
        id=stored.id,
        title_ru=one.title_ru,
        title_en=one.title_en,
        body_ru=one.body_ru,
        body_en=one.body_en,
        is_important=one.is_important,
        published_at=stored.published_at,
        expires_at=one.expires_at,
    )


def _shown(stored: StoredAnnouncement, language: str, *, is_read: bool) -> NewsView:
    one = stored.announcement
    is_russian = language == "ru"
    return NewsView(
        id=stored.id,
        title=one.title_ru if is_russian else one.title_en,
        body=one.body_ru if is_russian else one.body_en,
        is_important=one.is_important,
        published_at=stored.published_at,
        is_read=is_read,
    )


def _cursor(position: Position) -> str:
    moment, item = position
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_POSITION.pack(microseconds, item.bytes)).decode()


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        microseconds, item = _POSITION.unpack(base64.urlsafe_b64decode(cursor.encode()))
        return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=item)
    except (binascii.Error, ValueError, struct.error, OverflowError):
        pass
    raise RequestRefused("news.bad_cursor", "this is no cursor of this list", status=422)
