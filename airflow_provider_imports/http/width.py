"""How many requests at a time. Pure: the times are handed in."""

from __future__ import annotations

#: Enough for a vendor that answers quickly. Over TLS each open connection weighs a hundred kilobytes and more.
NARROWEST = 32
#: Seconds. Thirty-two at a time, each answered within this, are 320 a second.
QUICK = 0.1


class Width:
    """
    Few requests at a time at a vendor that answers quickly, more and more at one that takes its time.

    It doubles after each round of answers that were all slow while others waited for their turn, and halves after a
    round when few are under way. One quick answer in a round shows that the vendor is not what holds the others up:
    it is the opening of their connections, or this machine, and more of them at a time would only be slower.

    :param most: the most requests at a time
    """

    __slots__ = ("_answers", "_most", "_narrowest", "_quickest", "now")

    def __init__(self, most: int) -> None:
        self._most = most
        self._narrowest = self.now = min(NARROWEST, most)
        self._answers = 0
        self._quickest = float("inf")

    def answered(self, took: float, *, in_flight: int, others_wait: bool) -> None:
        """
        Learn from an answer.

        :param took: seconds from the request to the answer
        :param in_flight: requests under way now
        :param others_wait: whether somebody waits for a turn
        """
        self._answers += 1
        self._quickest = min(self._quickest, took)
        if self._answers < self.now:
            return
        if others_wait and self._quickest > QUICK:
            self.now = min(2 * self.now, self._most)
        elif not others_wait and in_flight < self.now // 2:
            self.now = max(self.now // 2, self._narrowest)
        self._answers, self._quickest = 0, float("inf")
