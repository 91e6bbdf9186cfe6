"""Find the largest load that is held: doubling, then bisection."""

from dataclasses import dataclass


@dataclass(slots=True)
class CapacitySearch:
    """Propose loads until the largest held one is known to `resolution`.

    It assumes that a load above one that failed fails too. Real runs are noisy near the border, so
    the answer is the largest load that was seen to hold, never one in between.

        probe  8 ✓  16 ✓  32 ✓  64 ✗  48 ✓  56 ✗  52 ✓        → 52
    """

    first: int = 1
    resolution: float = 0.06
    """Stop when the gap is at most this share of the held load (and always at a gap of one)."""
    ceiling: int = 1024
    """Never propose more: the load client has limits of its own."""
    held: int = 0
    """The largest load that held; 0: none did."""
    failed: int | None = None
    """The smallest load that failed."""

    def propose(self) -> int | None:
        """Give the next load to try, or None when the answer is `held`."""
        if self.failed is None:
            if self.held >= self.ceiling:
                return None
            return min(self.ceiling, self.held * 2) if self.held else self.first
        gap = self.failed - self.held
        if gap <= max(1, int(self.held * self.resolution)):
            return None
        return self.held + gap // 2

    def record(self, talkers: int, *, held: bool) -> None:
        """Note how a load went."""
        if held:
            self.held = max(self.held, talkers)
        elif self.failed is None or talkers < self.failed:
            self.failed = talkers
