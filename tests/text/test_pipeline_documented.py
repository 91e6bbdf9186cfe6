"""docs/text_pipeline.md says what is: every step, in its order, with an example that holds."""

import re
from pathlib import Path

from service.library.fields import PreferencesFields
from workers.contract.finishing import Finishing, Snippet, Step, Term
from workers.text.pipeline import Utterance, Wishes, finished
from workers.text.tokens import read

PAGE = Path(__file__).parents[2] / "docs" / "text_pipeline.md"
ROW = re.compile(r"\| `(\w+)` \| .+ \| (?:in `(\w+)`: )?«(.+)» → «(.+)» \| (.+) \|")
ROWS = ROW.findall(PAGE.read_text("utf-8"))
WISHES = {
    "terms": (Term(term="Kubernetes"),),
    "snippets": (Snippet(trigger="моя почта", text="ivan@example.ru"),),
}


def test_every_step_is_documented_in_its_order_with_what_switches_it_off():
    assert [row[0] for row in ROWS] == list(Step)
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[4])}
    assert named - {"neutral"} <= set(PreferencesFields.model_fields)


def test_every_example_holds():
    for name, style, said, wanted in (row[:4] for row in ROWS):
        wishes = Finishing(steps=frozenset({Step(name)}), style=style or "neutral", **WISHES)
        (done,) = finished([Utterance(tokens=read(said), wishes=Wishes(wishes))])
        assert done.text == wanted
