# SPDX-License-Identifier: Apache-2.0
"""Everything octet derives from its registries: bindings, tables, types, pages."""
