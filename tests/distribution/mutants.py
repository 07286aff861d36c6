"""``make vendor-mutants``: take the safeguards away one by one; the suite must notice each at the second vendor."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.distribution.vendors import ROOT, copy_of, run_suite

QUARRY = "airflow_provider_quarry/hooks.py"
SPINE = "airflow_provider_imports"
#: Exit code of pytest when tests failed; any other one is no answer.
FAILED = 1


class Mutant(NamedTuple):
    """
    A safeguard, and how it is taken away.

    :param file: where it is
    :param old: what stands there
    :param new: what stands there instead
    :param tests: which tests of the suite are run, as pytest's ``-k`` has it
    """

    safeguard: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "the intent is stored before the start",
        f"{SPINE}/operators/base.py",
        "        self._intend()\n        self._store.verify()\n",
        "",
        "intent",
    ),
    Mutant(
        "a start that was stored is not sent again",
        f"{SPINE}/operators/run_store.py",
        "        self._advance(Phase.STARTED, run)",
        "        self._record = None",
        "dies_after_the_start",
    ),
    Mutant(
        "an unclear answer to a start is an unknown outcome",
        QUARRY,
        "repeat=Repeat.IF_NOT_ACTED, starts=True",
        "repeat=Repeat.IF_NOT_ACTED",
        "late_act",
    ),
    Mutant(
        "a start is repeated only if the vendor has not acted",
        QUARRY,
        "repeat=Repeat.IF_NOT_ACTED",
        "repeat=Repeat.ALWAYS",
        "never_twice or late_act",
    ),
    Mutant(
        "the vendor's table of states",
        QUARRY,
        "state, doubt = state_of(word, STATES)",
        "state, doubt = STATES.get(word, ImportState.SUCCEEDED), None",
        "not_documented",
    ),
    Mutant(
        "an unknown state is never a success",
        f"{SPINE}/models.py",
        'return ImportState.RUNNING, f"status',
        'return ImportState.SUCCEEDED, f"status',
        "not_documented",
    ),
    Mutant(
        "the vendor cancels only ours",
        QUARRY,
        'path("/digs/{dig}/stop", dig=run.key["dig"])',
        'path("/digs/{dig}/stop", dig="1")',
        "cancel_is_told",
    ),
    Mutant(
        "a trigger that moves cancels nothing",
        f"{SPINE}/triggers/imports.py",
        "deferred = await _is_still_deferred(self)",
        "deferred = False",
        "moves_to_another",
    ),
    Mutant(
        "credentials are masked",
        f"{SPINE}/http/secrets.py",
        "        return _without_a_beginning(_uncovered(text, needles), needles) if needles else text",
        "        return text",
        "tells_a_secret",
    ),
    Mutant(
        "texts are cleaned",
        f"{SPINE}/http/text.py",
        """return text if text.isprintable() else cut(repr(text)[1:-1].replace("\\\\'", "'"), longest)""",
        "return text",
        "visible_short",
    ),
)


def main() -> int:
    """Try each, and return the exit code: 0 if the suite noticed all."""
    missed = 0
    for mutant in MUTANTS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            copy_of(folder, ROOT / "tests" / "second_vendor")
            file = folder / mutant.file
            text = file.read_text()
            if text.count(mutant.old) != 1:
                raise LookupError(f"{mutant.file} does not hold once: {mutant.old}")
            file.write_text(text.replace(mutant.old, mutant.new))
            done = run_suite(folder, "-x", "-k", mutant.tests)
        noticed = done.returncode == FAILED
        missed += not noticed
        print(f"{'noticed' if noticed else 'MISSED '}  {mutant.safeguard}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
