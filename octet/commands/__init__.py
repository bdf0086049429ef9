# SPDX-License-Identifier: Apache-2.0
"""The subcommands of ``octet``: a module each, an `octet.cli.Command`."""
