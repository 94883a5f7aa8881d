"""How generated images are used is chosen one thing after the other, and nothing is chosen by chance."""

import numpy as np

from elmyr.tasks.recognition.generated.generated_choice import MOST_TRIED, Recipe, chosen_recipe

COUNT = 2_000


def reading(right: float) -> np.ndarray:
    """Scores of validation images, of which this share is read right: the same ones first."""
    return (np.arange(COUNT) < right * COUNT).astype(np.float64)


def test_the_best_of_each_is_found_where_it_is_clear() -> None:
    best = Recipe(0.25, 1.2, "80000")

    def scores(recipe: Recipe) -> np.ndarray:
        off = (abs(recipe.share - best.share) > 0, abs(recipe.truncation - 1.2) > 0, recipe.checkpoint != "80000")
        return reading(0.9 - 0.05 * sum(off))

    recipe, tried = chosen_recipe(scores, ("90000", "80000", "7000"))
    assert recipe == best
    assert len(tried) == len({each.recipe for each in tried}) == MOST_TRIED
    assert max(each.reached for each in tried) == 0.9
    assert recipe.told == "25 % generated, truncation 1.2, the checkpoint of 80,000 images"
    assert all(each.recipe.checkpoint != "7000" for each in tried)


def test_what_chance_explains_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    taken = [chosen_recipe(lambda recipe: (rng.random(200) < 0.8).astype(np.float64))[0] for _ in range(200)]
    kept = sum(recipe == Recipe() for recipe in taken)
    assert (
        40 < kept < 160
    )  # six looks at one standard error each: not always, and far from the 1 of 7 of the best taken


def test_without_checkpoints_shares_and_truncations_alone_are_tried() -> None:
    recipe, tried = chosen_recipe(lambda recipe: reading(0.5))
    assert recipe == Recipe() and {each.recipe.checkpoint for each in tried} == {None}
    assert recipe.told == "50 % generated, truncation 1, the finished model"
