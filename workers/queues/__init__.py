"""The ways from a session to a recogniser: adapters of `workers.contract.queue`."""
