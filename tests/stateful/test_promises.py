"""The promises of the design hold in any sequence of actions and accidents."""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import VibewireMachine

# A long run looks at many more sequences: VIBEWIRE_TEST_EXAMPLES=1000 pytest tests/stateful
EXAMPLES = int(os.environ.get("VIBEWIRE_TEST_EXAMPLES", "40"))


def test_the_promises_hold_in_any_sequence_of_actions() -> None:
    run_state_machine_as_test(
        VibewireMachine,
        settings=settings(
            derandomize=True,
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
