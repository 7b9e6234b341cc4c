"""
Executable runbooks for GitLab's License & Renewals support experts.

The package looks facts up, applies the rules of one handbook page to them, shows a plan, asks a
person, writes once, verifies and leaves a record.  Notebooks use `glhelpers.runbook` and nothing else.

This module stays empty of imports so that `import glhelpers` costs nothing.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
