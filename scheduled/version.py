"""The version of this distribution; CHANGELOG.md and pyproject.toml say the same."""

VERSION = "0.1.0"
