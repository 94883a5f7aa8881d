import torch

from elmyr.core import seeds


def test_a_place_in_a_stream_always_gives_the_same_draw() -> None:
    first = torch.randn(5, generator=seeds.generator(3, "latents", 640))
    torch.manual_seed(99)  # another global state changes nothing
    assert torch.equal(first, torch.randn(5, generator=seeds.generator(3, "latents", 640)))


def test_seed_stream_and_position_each_change_the_draw() -> None:
    places = [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1), (0, "a/0", 0), (10, "a", 0)]
    assert len({seeds.derive(*place) for place in places}) == len(places)


def test_initialization_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    with seeds.initialization(0, "networks"):
        inside = torch.randn(3)
    assert torch.equal(torch.randn(3), expected)
    with seeds.initialization(0, "networks"):
        assert torch.equal(torch.randn(3), inside)


def test_images_of_different_ends_are_of_different_seeds_and_stay_those_of_before() -> None:
    ends = [0, *seeds.EVALUATED, seeds.LEARNED_FROM, seeds.LEARNED_FROM_FOR_USE, seeds.SURVEYED, seeds.DAMAGED]
    assert ends == list(range(8))
    assert (seeds.COMPARED, seeds.TRANSLATED) == (1, 1)
