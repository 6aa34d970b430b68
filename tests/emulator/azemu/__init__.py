# SPDX-License-Identifier: Apache-2.0
"""Azure as Sallyport meets it, emulated with real cryptography."""
