# SPDX-License-Identifier: Apache-2.0
"""Serving octet's files and driving them in headless Chromium."""
