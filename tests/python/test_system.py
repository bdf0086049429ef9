# SPDX-License-Identifier: Apache-2.0
"""What build.py says about, and does with, a machine that lacks things."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from octet.errors import OctetError
from octet.toolchain import system
from octet.toolchain.system import Requirement

COMPILER = Requirement("a compiler", ("cc", "ld"), "https://cc.example", ("build",), lambda: False)
BROWSER = Requirement("a browser", ("www",), "any browser", ("test",), lambda: False)
PRESENT = Requirement("a shell", ("sh",), "any shell", ("build", "test"), lambda: True)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Debian 12 machine of a user, without compiler and browser."""
    monkeypatch.setattr(system, "REQUIREMENTS", (COMPILER, BROWSER, PRESENT))
    monkeypatch.setattr(system, "is_debian_12", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "install", lambda packages: pytest.fail("installs"))
    return monkeypatch


def test_one_message_lists_everything_missing(machine: pytest.MonkeyPatch) -> None:
    with pytest.raises(OctetError) as error:
        system.ensure("build")
    assert str(error.value).splitlines() == [
        "octet needs what this machine lacks:",
        "  a compiler  apt: cc ld",
        "  a browser   apt: www  (only for: test)",
        "build.py installs it by itself when root runs it. Or, as root:",
        "  apt-get install --no-install-recommends cc ld www",
    ]


def test_elsewhere_the_message_says_where_to_get_it(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(system, "is_debian_12", lambda: False)
    with pytest.raises(OctetError) as error:
        system.ensure("test")
    assert "  a compiler  https://cc.example  (only for: build)" in str(error.value)
    assert "  a browser   any browser\n" in str(error.value)
    assert "apt-get" not in str(error.value)


def test_what_only_another_command_needs_is_no_error(machine: pytest.MonkeyPatch) -> None:
    system.ensure("serve")


def test_root_on_debian_installs_all_of_it(machine: pytest.MonkeyPatch) -> None:
    installed: list[str] = []

    def install(packages: Sequence[str]) -> None:
        installed.extend(packages)

    machine.setattr(os, "geteuid", lambda: 0)
    machine.setattr(system, "install", install)
    machine.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(OctetError, match="a compiler"):  # the packages did not bring it
        system.ensure("build")
    assert installed == ["cc", "ld", "www"]


def test_this_machine_has_what_the_tests_need() -> None:
    system.ensure("test")
