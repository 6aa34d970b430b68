# SPDX-License-Identifier: Apache-2.0
"""The model of a boot with two deaths: any two of anybody, at any steps."""
import os
import sys
import unittest

os.environ["SALLYPORT_MODEL_FAULTS"] = "2"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "model"))
import test_model  # noqa: E402


class TwoDeaths(test_model.Model):
    # the rules are taken out with one
    test_each_rule_is_missed_when_it_is_gone = None
    test_without_a_fault_it_is_ready = None


if __name__ == "__main__":
    unittest.main()
