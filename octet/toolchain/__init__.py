# SPDX-License-Identifier: Apache-2.0
"""What build.py runs: set-up, kernels, bundle, sizes, checks and tests. Start at ``pipeline``.

``arguments``, ``environment``, ``lock``, ``process`` and ``system`` run before there is a virtual
environment and import nothing but the standard library.
"""
