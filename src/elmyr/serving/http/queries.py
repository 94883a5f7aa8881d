"""The words behind `?` of each question to a model, with their bounds: checked here, told in the API's description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from elmyr.serving.http.limits import (
    LARGEST_TRUNCATION,
    MOST_ANSWERS,
    MOST_GENERATED,
    MOST_IMAGES,
    MOST_NEAREST,
    MOST_STEPS,
)

LARGEST_SEED = 2**63 - 1

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED, description="which: the same seed gives the same", examples=[7])]
Answers = Annotated[int, Field(ge=1, le=MOST_ANSWERS)]
Move = Annotated[
    str | None,
    Field(max_length=1000, description="amounts along the GAN's directions", examples=["thickness=1.5,slant=-1"]),
]
End = Annotated[str | None, Field(max_length=1000, description="the class at this end, by name or number")]


class Words(BaseModel):
    """The words of a query."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Recognize(Words):
    """Of `recognize`."""

    prepare: Literal["model", "digit"] = Field(
        "model",
        description="model: prepared like the training images, whatever its size; digit: one drawn character is cut "
        "out and centered as MNIST has its digits",
    )
    nearest: int = Field(0, ge=0, le=MOST_NEAREST, description="also so many training images that are nearest to it")
    explain: bool = Field(
        False, description="also a map of which pixels speak for the class that is read (red) and against it (blue)"
    )


class Fool(Words):
    """Of `fool`."""

    prepare: Literal["model", "digit"] = Field("model", description="as `recognize` has it")


class Counterfactual(Fool):
    """Of `counterfactual`."""

    gan: str = Field(max_length=64, description="a GAN that is served, which makes the image", examples=["gan"])
    label: str | None = Field(
        None,
        alias="class",
        max_length=1000,
        description="what to be read as; without it the nearest of the likely",
    )


class Embed(Words):
    """Of `embed`."""

    format: Literal["json", "npz"] = Field("json", description="npz holds the array features")


class Generate(Words):
    """Of `generate`."""

    count: int = Field(100, ge=1, le=MOST_GENERATED, description="how many")
    label: str | None = Field(None, alias="class", max_length=1000, description="a name or number", examples=["3"])
    seed: Seed = 0
    move: Move = None
    truncation: float = Field(
        1.0, gt=0, le=LARGEST_TRUNCATION, description="below 1: more typical, less varied; above 1: the opposite"
    )
    format: Literal["png", "npz", "json"] = Field("png", description="a grid; arrays; a PNG in base64 each")


class Edit(Words):
    """Of `edit`."""

    from_class: str | None = Field(
        None, max_length=1000, description="what the image shows, by name or number; every class is tried without it"
    )
    label: str | None = Field(None, alias="class", max_length=1000, description="what to make of it", examples=["3"])
    move: Move = None
    every: bool = Field(False, description="also as each of the classes")
    prepare: Literal["model", "digit"] = Field(
        "model", description="digit: one drawn character is cut out and centered as MNIST has its digits, before"
    )


class Between(Words):
    """Of `between`."""

    from_seed: Seed = 0
    to_seed: Seed = 1
    from_class: End = None
    to_class: End = None
    steps: int = Field(9, ge=2, le=MOST_STEPS, description="images, with both ends")
    format: Literal["json", "png", "npz"] = Field("json", description="a PNG in base64 each; a strip; arrays")


class Repair(Words):
    """Of `repair`."""

    answers: Answers = Field(1, description="how many different ones")
    seed: Seed = 0
    noise: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Gaussian noise that the picture is given before it is repaired: its standard deviation, of 1; "
        "then every pixel is repaired, not the hidden ones alone",
    )


class Translate(Words):
    """Of `translate`."""

    direction: Literal["a-to-b", "b-to-a"] = Field(
        "a-to-b", description="b-to-a is the way back, where the translator has learned it"
    )
    answers: Answers = Field(1, description="of a styled translator: how many different ones of each image")
    examples: int = Field(
        0,
        ge=0,
        le=MOST_IMAGES,
        description="of a styled translator: so many images at the end of the array show the style; with 0 it is "
        "taken from training images that the translator keeps",
    )
    seed: Seed = Field(0, description="which of the examples: the same seed gives the same")
    format: Literal["json", "png", "npz"] = Field("json", description="a PNG in base64 each; a grid; arrays")
