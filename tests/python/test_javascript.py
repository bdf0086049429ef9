# SPDX-License-Identifier: Apache-2.0
"""JavaScript tests inside pytest: each test of a file is reported, and so is a broken file."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

OUTCOMES = """
import { describe, it, test } from "node:test";
import assert from "node:assert/strict";

test("passes", () => {});
test("fails", () => assert.equal(1, 2));
test("is skipped", { skip: "no reason" }, () => {});
describe("skipped suite", { skip: "no data" }, () => {});
describe("suite", () => {
  it("passes inside", () => {});
  it("fails inside", () => { throw new TypeError("told"); });
});
test("outer", async (t) => {
  await t.test("inner", () => {});
});
"""


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(
        "from tests.conftest import pytest_collect_file, pytest_runtest_protocol  # noqa: F401"
    )
    return pytester


def add_test(folder: pytest.Pytester, source: str) -> None:
    folder.path.joinpath("some.test.mjs").write_text("")  # not collected: another suffix
    folder.path.joinpath("package.json").write_text('{ "type": "module" }')
    folder.path.joinpath("some.test.js").write_text(source)


def test_reports_every_test(folder: pytest.Pytester) -> None:
    add_test(folder, OUTCOMES)
    result = folder.runpytest("-v", "-rs")
    result.assert_outcomes(passed=4, failed=2, skipped=2)
    result.stdout.fnmatch_lines_random(
        [
            "some.test.js::passes PASSED*",
            "some.test.js::fails FAILED*",
            "some.test.js::suite > fails inside FAILED*",
            "some.test.js::outer > inner PASSED*",
            "*Expected values to be strictly equal*",
            "TypeError: told",
            "SKIPPED*no reason",
            "SKIPPED*no data",
        ]
    )


def test_reports_a_file_that_cannot_run(folder: pytest.Pytester) -> None:
    add_test(folder, 'import "./absent.js";')
    result = folder.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*node ended with 1 after 0 tests*", "*Cannot find module*"])


def test_reports_a_file_that_ends_early(folder: pytest.Pytester) -> None:
    add_test(folder, 'import { test } from "node:test"; test("t", () => process.exit(3));')
    result = folder.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*node ended with 3 after 0 tests*"])


def test_a_file_without_tests_fails(folder: pytest.Pytester) -> None:
    add_test(folder, "export {};")
    folder.runpytest().assert_outcomes(failed=1)
