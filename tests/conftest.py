"""Fixtures and rules for all tests."""

pytest_plugins = ["tests.support.databases", "tests.support.fixtures", "tests.support.strict"]
