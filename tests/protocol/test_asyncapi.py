"""The written protocol."""

import json

from service.dictation import asyncapi


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_committed_document_is_current():
    committed = asyncapi.PATH.read_text(encoding="utf-8")
    assert committed == asyncapi.written(asyncapi.document()), (
        "run: python -m service.dictation.asyncapi"
    )


def test_every_reference_leads_somewhere():
    document = json.loads(asyncapi.PATH.read_text(encoding="utf-8"))
    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_the_document_carries_the_limits_of_the_messages():
    schemas = asyncapi.document()["components"]["schemas"]
    assert schemas["AudioFormat"]["properties"]["sample_rate"]["minimum"] == 8000
    assert schemas["Start"]["properties"]["type"] == {"enum": ["start"]}
    assert schemas["Ready"]["required"] == ["type", "session", "received", "limits"]
