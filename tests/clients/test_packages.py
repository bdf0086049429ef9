# SPDX-License-Identifier: Apache-2.0
"""The clients' packages are those that the benchmark measures."""

from __future__ import annotations

import json

import pytest

from octet.bench.peers import WANTED
from octet.toolchain.paths import NODE_MODULES, ROOT


@pytest.mark.parametrize("package", ["onnxruntime-web", "@litertjs/core"])
def test_one_version(package: str) -> None:
    pinned = json.loads((ROOT / "package.json").read_bytes())["devDependencies"][package]
    peer = json.loads((WANTED / "package.json").read_bytes())["dependencies"][package]
    installed = json.loads((NODE_MODULES / package / "package.json").read_bytes())["version"]
    assert pinned == peer == installed
