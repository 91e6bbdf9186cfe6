"""Who gets the places at the model."""

import asyncio
import time
from uuid import uuid4

from prometheus_client import CollectorRegistry

from service.accounts.principal import LOCAL_USER
from service.polishing.endpoint import endpoint_of
from service.polishing.model import Model
from service.polishing.outcomes import Outcome
from service.polishing.polisher import Polisher, PolishMetrics
from service.settings import Settings
from tests.polishing.chat_server import PATIENCE_S, chat_server, never, says


async def test_of_people_who_sign_in_nobody_takes_all_places():
    anna, boris = uuid4(), uuid4()
    async with chat_server(never) as chat, model_of(chat) as model:
        polisher = Polisher(
            model,
            name=None,
            at_once=2,
            metrics=PolishMetrics(CollectorRegistry()),
            clock=time.monotonic,
        )
        first = asyncio.ensure_future(polisher.polish(anna, "раз", "formal"))
        await asyncio.wait_for(chat.arrived.wait(), PATIENCE_S)
        chat.behaviour = says("Раз.")

        assert (await polisher.polish(anna, "два", "formal")).outcome is Outcome.BUSY
        assert (await polisher.polish(boris, "два", "formal")).text == "Раз."
        assert (await polisher.polish(LOCAL_USER, "два", "formal")).text == "Раз."
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (await polisher.polish(anna, "два", "formal")).text == "Раз."


def model_of(chat):
    endpoint = endpoint_of(Settings(polish_url=chat.url))
    return Model(endpoint, timeout_s=PATIENCE_S, at_once=2, most_bytes=100_000)
