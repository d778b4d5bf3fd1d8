"""The resolved architecture: sizes, and one choice for each slot of the backbone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

# What each slot holds unless an axis or a preset says otherwise. The last three have no axis of their own here:
# they are places that a user's axis may fill (`variants.backbone` says what each builder gets and returns).
DEFAULT_SLOTS = {
    "patch_embed": "linear",
    "time": "token",
    "pos_embed": "learned_1d",
    "skip": "concat",
    "conv_head": "after",
    "norm": "layer_norm",
    "attention": "softmax",
    "mlp": "gelu",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A network, fully resolved; everything that its shape and its function depend on, and nothing else.

    ``slots`` are sorted ``(slot, choice)`` pairs, those only that differ from the default of the slot.
    """

    family: str
    image_size: int
    channels: int
    num_classes: int = 0
    null_label: bool = False
    context_tokens: int = 0
    context_dim: int = 0
    depth: int
    embed_dim: int
    num_heads: int
    mlp_hidden: int
    patch: int
    time_mlp: bool = False
    levels: tuple[int, ...] = ()  # a U-Net's channels, from the full resolution down
    attention_at: tuple[int, ...] = ()  # the factors of downsampling at which a U-Net attends
    slots: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        chosen = {slot: choice for slot, choice in self.slots if DEFAULT_SLOTS.get(slot) != choice}
        object.__setattr__(self, "slots", tuple(sorted(chosen.items())))

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.embed_dim // self.num_heads

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch

    @property
    def num_patches(self) -> int:
        """Patch tokens of one image, without time, label and context."""
        return self.grid**2

    @property
    def label_rows(self) -> int:
        """Rows of the label embedding: the classes and, for label dropout, one null label."""
        return self.num_classes + int(self.null_label)

    def slot(self, name: str) -> str:
        """The choice in slot ``name``."""
        return dict(self.slots).get(name) or DEFAULT_SLOTS[name]

    def with_slot(self, name: str, choice: str) -> ModelConfig:
        """A copy whose slot ``name`` holds ``choice``; a default leaves no trace."""
        return replace(self, slots=tuple({**dict(self.slots), name: choice}.items()))

    def without_slot(self, name: str) -> ModelConfig:
        """A copy whose slot ``name`` is back at its default."""
        return replace(self, slots=tuple(pair for pair in self.slots if pair[0] != name))

    def flat(self) -> dict[str, Any]:
        """Every field, and every slot that differs from its default as ``slot:NAME``."""
        return self._sizes() | {f"slot:{name}": choice for name, choice in self.slots}

    def identity(self) -> dict[str, Any]:
        """What names this architecture: JSON-able, equal for equal networks.

        Slots at their default are absent, and so are the levels of what has none: a new slot or axis changes the
        identity of no existing network.
        """
        return self._sizes() | {"slots": dict(self.slots)}

    @classmethod
    def from_identity(cls, identity: Mapping[str, Any]) -> Self:
        """The config that `identity` names. Raises ValueError where it is none, as one of a newer version."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in identity.items()}
        slots = tuple((str(slot), str(choice)) for slot, choice in dict(values.pop("slots", {})).items())
        try:
            return cls(**values, slots=slots)
        except TypeError as error:
            raise ValueError(f"not the description of a network here ({error}); was it made by a newer uvit?") from None

    def _sizes(self) -> dict[str, Any]:
        sizes = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "slots"}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in sizes.items()}
        return {name: value for name, value in plain.items() if value != []}


def check_sizes(config: ModelConfig) -> None:
    """Raise ValueError, with the reason, where the sizes make no transformer over patches."""
    if config.depth < 1:
        raise ValueError(f"a network needs at least 1 block; got depth {config.depth}")
    if config.num_heads < 1 or config.embed_dim < 1 or config.embed_dim % config.num_heads:
        raise ValueError(f"width {config.embed_dim} does not divide into {config.num_heads} heads; choose a multiple")
    if config.mlp_hidden < 1:
        raise ValueError(f"the MLP needs at least 1 hidden channel; got {config.mlp_hidden}")
    if config.patch < 1 or config.image_size % config.patch:
        known = [str(p) for p in range(1, min(config.image_size, 64) + 1) if config.image_size % p == 0]
        raise ValueError(
            f"patch {config.patch} does not divide the {config.image_size}-pixel image; use one of {', '.join(known)}"
        )


def check_data(config: ModelConfig) -> None:
    """Raise ValueError, with the reason, where what describes the images and conditions makes no sense."""
    for name in ("image_size", "channels"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be at least 1; got {getattr(config, name)}")
    for name in ("num_classes", "context_tokens", "context_dim"):
        if getattr(config, name) < 0:
            raise ValueError(f"{name} cannot be negative; got {getattr(config, name)}")
    if config.null_label and not config.num_classes:
        raise ValueError("null_label needs classes; give num_classes, or leave it off")
    if bool(config.context_tokens) != bool(config.context_dim):
        given = f"{config.context_tokens} and {config.context_dim}"
        raise ValueError(f"context_tokens and context_dim go together; got {given}")
    if config.num_classes and config.context_tokens:
        raise ValueError("a network takes classes or context tokens, not both; set one of them to 0")
