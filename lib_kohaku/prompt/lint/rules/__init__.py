"""The rules, one a file."""

from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.lint.rules import (
    alias,
    dead_schedule,
    duplicate,
    foreign_word,
    hash_in_name,
    implied,
    keyword_in_weight,
    loose_bracket,
    number_read_as_weight,
    rating_conflict,
    touching_schedule,
    unescaped_name,
    unknown_tag,
    unreadable_weight,
    word_is_also_tag,
)

RULES: tuple[Rule, ...] = (
    number_read_as_weight.RULE,
    unreadable_weight.RULE,
    hash_in_name.RULE,
    keyword_in_weight.RULE,
    unescaped_name.RULE,
    loose_bracket.RULE,
    dead_schedule.RULE,
    touching_schedule.RULE,
    rating_conflict.RULE,
    foreign_word.RULE,
    alias.RULE,
    duplicate.RULE,
    implied.RULE,
    unknown_tag.RULE,
    word_is_also_tag.RULE,
)
