"""A recipe: read from YAML and overrides, validated with located errors, saved with each run.

yaml_tree.py    YAML text -> plain values, each with its position in the text
source.py       a recipe file and its overrides -> one nested dictionary with positions
overrides.py    options given in Python -> overrides
sections.py     the pydantic models: the sections of a recipe and their options
options.py      which class validates each part; suggestions for unknown options
problems.py     validation errors -> located messages
loading.py      file name, overrides -> validated `Recipe`
warnings.py     warnings about a valid recipe
saving.py       `Recipe` -> YAML that is itself a valid recipe
flat.py         the text of a saved recipe -> a nested or flat dictionary
differences.py  differences between recipes
option_text.py  values of options as text
json_schema.py  JSON Schema of recipes with all installed components
"""

from framework.recipe.loading import load_recipe
from framework.recipe.problems import RecipeError
from framework.recipe.saving import recipe_text
from framework.recipe.sections import Recipe

__all__ = ["Recipe", "RecipeError", "load_recipe", "recipe_text"]
