# SPDX-License-Identifier: Apache-2.0
"""The command lines of build.py and octet: what they take, and how they refuse the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from octet import __version__, cli
from octet.errors import UsageError
from octet.toolchain import __main__ as toolchain
from octet.toolchain import arguments
from octet.toolchain.paths import ROOT


@pytest.mark.parametrize(
    ("words", "command", "verbose", "rest"),
    [
        ([], "build", False, []),
        (["-v"], "build", True, []),
        (["build", "-v"], "build", True, []),
        (["test"], "test", False, []),
        (["-v", "test", "-k", "name", "-v"], "test", True, ["-k", "name", "-v"]),
        (["serve", "--port", "0"], "serve", False, []),
    ],
)
def test_takes(words: list[str], command: str, verbose: bool, rest: list[str]) -> None:
    options = arguments.parse(words)
    assert (options.command, options.verbose, options.rest) == (command, verbose, rest)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["biuld"], "unknown command 'biuld'. Did you mean 'build'?"),
        (["xyzzy"], "unknown command 'xyzzy'. There is: build, test"),
        (["build", "--verbos"], "'--verbos'. Did you mean '--verbose'?"),
        (["serve", "--prot", "80"], "'--prot'. Did you mean '--port'?"),
        (["serve", "--port", "high"], "argument --port: got 'high', expected 0 to 65535"),
        (["serve", "--port", "65536"], "got '65536'"),
        (["build", "kernels"], "unknown argument of 'build' 'kernels'"),
    ],
)
def test_refuses(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        arguments.parse(words)
    assert message in str(error.value)


def test_every_command_does_something() -> None:
    assert set(toolchain.RUN) | {"clean"} == set(arguments.COMMANDS)


def test_build_py_refuses_before_it_sets_anything_up() -> None:
    done = subprocess.run(
        [sys.executable, "build.py", "tset"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("build.py: unknown command 'tset'. Did you mean 'test'?")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["size"], 2, "octet: unknown command 'size'. Did you mean 'sizes'?"),
        (["sizes", "--raw"], 2, "octet: unknown argument '--raw'. See: octet sizes"),
        ([], 2, "octet: the following arguments are required: command"),
    ],
)
def test_octet_refuses(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == code
    assert capsys.readouterr().err.startswith(message)


def test_octet_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"octet {__version__}\n"


def test_octet_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sizes"]) == 0
    assert "octet_simd.wasm" in capsys.readouterr().out
