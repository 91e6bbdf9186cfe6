"""The queue over several machines: services that have windows, workers that recognise, NATS between.

Each service keeps the scheduler of its own sessions (`workers.scheduling`), so every promise of
`workers.contract.queue` is kept where the session is: order, newest partial, fairness, back-pressure.
Nothing waits anywhere else. A worker pulls when one of its lanes is free:

    service                          worker
      │ ── Wanted: what waits ────────► │   to all workers, whenever it may matter, and each second
      │ ◄──── Take: one free lane ───── │   to the service whose work is most urgent
      │ ── Handed: a batch, or none ──► │
      │                                 │   recognises, finishes the texts
      │ ◄──── Ended: the outcomes ───── │   again and again until…
      │ ── Noted ─────────────────────► │
      │ ◄──── Present: lanes, batches ─ │   to all services, each second and on changes

What follows from it, besides the port's promises:

- A worker is never given more than it has free lanes; the choice which window is next is made at
  the moment a lane is free, over all machines, most urgent kind first.
- A batch whose worker fell silent is handed out again, and so is one that the worker, by its own
  account, never got. Its windows are tried together once more, after that as if an engine had
  broken: alone, and after `BREAKS_LIMIT` times set aside.
- Whatever comes twice counts once: a batch is known by its service's incarnation and its number.
- While no worker is heard, `Load.ready` is false; what waits is answered `engine.failed`, which is
  worth another try, after `NO_WORKER_S`.

Plain NATS, nothing is stored there. No queue groups: they choose blindly, a busy worker as likely
as an idle one, and would scatter the parts of a message over their members.
"""
