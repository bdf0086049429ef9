# SPDX-License-Identifier: Apache-2.0
"""The kernels against the NumPy model of their contract, on every build."""
