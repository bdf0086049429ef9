# SPDX-License-Identifier: Apache-2.0
"""Incremental steps: what makes one run again, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from octet.errors import OctetError
from octet.toolchain.tasks import Runner, Step


class Workshop:
    """A step that copies ``in`` to ``out`` and counts its runs."""

    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "in", folder / "out"
        self.source.write_text("first")
        self.runs = 0
        self.runner = Runner(folder / "stamps")
        self.step = Step("copy/one", [self.source], [self.target], self.copy, key="-O3")

    def copy(self) -> None:
        self.runs += 1
        self.target.write_text(self.source.read_text())


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    assert workshop.runner.run([workshop.step]) == 1
    return workshop


def nothing(shop: Workshop) -> None:
    pass


def touch_input(shop: Workshop) -> None:
    shop.source.touch()


def edit_input(shop: Workshop) -> None:
    shop.source.write_text("second")


def change_flags(shop: Workshop) -> None:
    shop.step = replace(shop.step, key="-O2")


def edit_output(shop: Workshop) -> None:
    shop.target.write_text("by hand")


def remove_output(shop: Workshop) -> None:
    shop.target.unlink()


def break_stamp(shop: Workshop) -> None:
    for stamp in (shop.target.parent / "stamps").iterdir():
        stamp.write_text("{")


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (nothing, 0),
        (touch_input, 0),
        (edit_input, 1),
        (change_flags, 1),
        (edit_output, 1),
        (remove_output, 1),
        (break_stamp, 1),
    ],
)
def test_runs_after(shop: Workshop, change: Callable[[Workshop], None], runs: int) -> None:
    change(shop)
    assert shop.runner.run([shop.step]) == runs
    assert shop.runs == 1 + runs
    assert shop.target.read_text() == shop.source.read_text()
    assert shop.runner.pending([shop.step]) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OctetError])
def test_interrupted_work_is_done_again(shop: Workshop, error: type[BaseException]) -> None:
    def half() -> None:
        shop.target.write_text("half")
        raise error

    shop.source.write_text("second")
    with pytest.raises(error):
        shop.runner.run([replace(shop.step, run=half)])
    assert shop.runner.pending([shop.step]) == [shop.step]
    shop.runner.run([shop.step])
    assert shop.target.read_text() == "second"


def test_an_input_edited_meanwhile_makes_it_run_again(shop: Workshop) -> None:
    def copy_then_edit() -> None:
        shop.copy()
        shop.source.write_text("third")

    shop.source.write_text("second")
    shop.runner.run([replace(shop.step, run=copy_then_edit)])
    assert shop.runner.pending([shop.step]) == [shop.step]


def test_a_step_must_make_its_outputs(shop: Workshop) -> None:
    lazy = replace(shop.step, outputs=[shop.target.with_name("absent")])
    with pytest.raises(OctetError, match="copy/one did not make .*absent"):
        shop.runner.run([lazy])


def test_the_first_error_cancels_what_has_not_begun(tmp_path: Path) -> None:
    ran: list[str] = []

    def fail() -> None:
        ran.append("fail")
        raise OctetError("broken")

    steps = [Step("bad", [], [], fail)]
    steps += [Step(f"late{i}", [], [], lambda: ran.append("late")) for i in range(50)]
    with pytest.raises(OctetError, match="broken"):
        Runner(tmp_path, jobs=1).run(steps)
    assert len(ran) < 50
