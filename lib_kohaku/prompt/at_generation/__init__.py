"""A model's own words, added to prompts when an image is made: chosen once, in the model's order, never doubled."""

from lib_kohaku.prompt.at_generation.adder import Adder
from lib_kohaku.prompt.at_generation.choice import AUTOMATIC, KINDS, LEAVE_OUT, USUAL, WordChoice
from lib_kohaku.prompt.at_generation.infotext import chosen_in_infotext, infotext_of

__all__ = ["AUTOMATIC", "KINDS", "LEAVE_OUT", "USUAL", "Adder", "WordChoice", "chosen_in_infotext", "infotext_of"]
