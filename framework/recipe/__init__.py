"""A recipe: read from YAML and overrides, checked like source code is compiled, saved with each run.

source.py       YAML text + overrides -> a plain tree that knows where each value came from
sections.py     the pydantic models: what a recipe may say
tree.py         YAML text -> values that know where they were written
flat.py         a recipe's text as a tree, and as one level of keys
differences.py  differences between recipes
wording.py      values of options as people write them
options.py      which class validates each part, and where a misplaced option belongs
problems.py     validation errors -> located messages in plain words
loading.py      the road from a file name to a `Recipe`
doubts.py       what a valid recipe asks for and hardly means
saving.py       a `Recipe` -> YAML that is itself a valid recipe
json_schema.py  JSON Schema over all installed components, for editors
"""

from framework.recipe.loading import load_recipe
from framework.recipe.problems import RecipeError
from framework.recipe.saving import recipe_text
from framework.recipe.sections import Evaluate, Lookahead, Preprocess, Recipe, Train

__all__ = [
    "Evaluate",
    "Lookahead",
    "Preprocess",
    "Recipe",
    "RecipeError",
    "Train",
    "load_recipe",
    "recipe_text",
]
