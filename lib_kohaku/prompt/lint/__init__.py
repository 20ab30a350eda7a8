"""Lint for prompts: what the webui will misread, what the model was not trained with, and how to put it right."""

from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.lint.rules import RULES
from lib_kohaku.prompt.lint.run import fix_all, lint

__all__ = ["RULES", "Finding", "Fix", "Rule", "Severity", "fix_all", "lint"]
