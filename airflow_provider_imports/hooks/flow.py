"""Flows: calls to send one after the other, described without sending them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_imports.http.call import Answer, Call, UnreadableAnswerError

if TYPE_CHECKING:
    from airflow_provider_imports.exceptions import VendorImportError

T = TypeVar("T")
#: Yields calls, is sent their answers (or thrown their errors), and returns what they tell.
Flow = Generator[Call, Answer, T]


class Steps:
    """
    Step through a flow, blocking or awaiting in between.

    :param flow: the flow
    :param unreadable: makes an error of a call, its answer and the reason why the flow could not read it
    """

    __slots__ = ("_call", "_flow", "_unreadable", "result")

    def __init__(self, flow: Flow[T], unreadable: Callable[[Call, Answer, str], VendorImportError]) -> None:
        self._flow = flow
        self._unreadable = unreadable
        self._call: Call | None = None
        self.result: object = None

    def start(self) -> Call | None:
        """The first call; None if the flow is finished and :attr:`result` holds what it told."""
        return self._step(self._flow.send, None)

    def send(self, answer: Answer) -> Call | None:
        """The next call after this answer."""
        return self._step(self._flow.send, answer)

    def throw(self, error: VendorImportError) -> Call | None:
        """The next call after this error, unless the flow has no use for it."""
        return self._step(self._flow.throw, error)

    def _step(self, step: Callable[[Any], Call], sent: Answer | VendorImportError | None) -> Call | None:
        try:
            self._call = step(sent)
        except StopIteration as end:
            self.result = end.value
            return None
        except UnreadableAnswerError as error:
            if not isinstance(sent, Answer) or self._call is None:
                raise
            raise self._unreadable(self._call, sent, str(error)) from error
        return self._call
