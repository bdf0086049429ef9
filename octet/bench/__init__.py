# SPDX-License-Identifier: Apache-2.0
"""``build.py bench``: octet and its peers, measured side by side in one browser."""
