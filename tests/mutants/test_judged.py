"""The judged mutants are of the code as it is: one whose line was changed has to be judged again."""

from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, read_judged

PACKAGE = Path(__file__).parents[2] / "airflow_provider_imports"


@pytest.mark.parametrize(("mutant", "judgement"), read_judged().items(), ids=lambda one: getattr(one, "where", ""))
def test_every_judged_mutant_is_of_a_line_that_there_is(mutant: Mutant, judgement: str) -> None:
    words = mutant.where.split(".")
    module = next(
        path
        for length in range(len(words), 0, -1)
        if (path := PACKAGE.joinpath(*words[:length]).with_suffix(".py")).exists()
    )

    lines = module.read_text().splitlines()

    assert mutant.original in " ".join(line.strip() for line in lines)
    assert mutant.becomes != mutant.original
    assert judgement.partition(":")[0] in ("Equivalent", "Performance only", "Wording", "Accepted")
