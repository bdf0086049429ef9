# SPDX-License-Identifier: Apache-2.0
"""Programs that know WebNN alone, unmodified, from their packages: they run on octet."""
