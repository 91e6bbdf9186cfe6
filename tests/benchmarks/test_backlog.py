"""A backlog is followed to its end as the scheduler would."""

from benchmarks.backlog import recognise_all
from tests.workers.windows import window
from workers.contract.engine import Again, EngineDescription, Job, Outcome, Plan
from workers.contract.requests import Hypothesis


class EngineWithAGap:
    """Hears everything at once but for one place, which it asks to be given by itself."""

    description = EngineDescription(
        model="gap", device="cpu", compute_type="int8", lanes=1, languages=("ru",)
    )

    def recognise(self, jobs: list[Job]) -> list[Outcome]:
        """Ask for the place once."""
        return [self._answer(job) for job in jobs]

    def _answer(self, job: Job) -> Outcome:
        name = job.request.id
        if job.best is None:
            best = Hypothesis(request=name, text="начало", language="ru")
            plan = Plan(window_samples=32_000)
            return Again(request=name, plan=plan, reason="gap", best=best, place=(100, 200))
        assert (job.best.text, job.plan.window_samples) == ("начало", 32_000)
        assert job.place == (100, 200)
        return Hypothesis(request=name, text="начало и конец", language="ru")


def test_a_window_that_is_sent_back_is_decoded_as_the_guard_says():
    progress = recognise_all(EngineWithAGap(), [window("a"), window("b")], beam=1, batch=2)
    assert {one.text for one in progress.hypotheses.values()} == {"начало и конец"}
    assert (progress.windows, progress.batches) == (4, 2)
