# SPDX-License-Identifier: Apache-2.0
"""octet in place of navigator.ml: modes, kinds of realms, the interfaces' shape."""
