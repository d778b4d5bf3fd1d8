"""What a checkpoint says of itself beside its tensors: typed, and checked field by field when it is made and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from results.record import LOSSES, Score
from results.schema import COUNT, ID, MAPPING, TEXT, Checks, check_fields, construct, is_number, list_of, loads, short

if TYPE_CHECKING:
    from variants.config import ModelConfig


CHECKPOINT_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A network after ``step`` steps, what it was trained on and how, and what its cell has logged so far.

    ``model`` is `ModelConfig.identity`, ``dataset`` its card, ``training`` and ``runtime`` those of the cell;
    ``imported`` says where weights came from that were not trained here. Raises ValueError naming a field that is not
    what it should be.
    """

    variant: str
    model: Mapping[str, Any]
    train_id: str
    step: int
    imported: Mapping[str, Any] | None = None
    dataset: Mapping[str, Any] = field(default_factory=dict)
    image_size: int
    channels: int
    training: Mapping[str, Any] = field(default_factory=dict)
    seed: int
    runtime: Mapping[str, Any] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)
    train_s: float = 0.0
    scores: list[Score] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_fields(self, _CHECKS)

    @property
    def config(self) -> ModelConfig:
        """The network's architecture. Raises ValueError where this version knows no such network."""
        from variants import ModelConfig

        return ModelConfig.from_identity(self.model)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of what the network sees: an image, or a latent."""
        return self.channels, self.image_size, self.image_size

    @property
    def process(self) -> str:
        """The name of the process that it was trained with."""
        return str(self.training.get("process", "vp"))

    @property
    def prediction(self) -> str:
        """The name of what its network's output stands for."""
        return str(self.training.get("prediction", "eps"))

    @property
    def num_classes(self) -> int:
        return int(self.model.get("num_classes", 0))

    @property
    def null_label(self) -> bool:
        return bool(self.model.get("null_label"))

    @property
    def context_tokens(self) -> int:
        return int(self.model.get("context_tokens", 0))

    @property
    def encoding(self) -> Mapping[str, Any] | None:
        """Of what the dataset's latents are (`bench.data.latent_folder.Encoding.card`); None where it holds pixels."""
        return self.dataset.get("encoding")

    def metadata(self) -> dict[str, str]:
        """The header as the texts of a safetensors file."""
        content = asdict(self)
        del content["step"]
        if self.imported is None:
            del content["imported"]
        return {"schema": str(CHECKPOINT_SCHEMA), "step": str(self.step), "header": json.dumps(content)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], *, where: str) -> Self:
        """The header in a file's texts; keys of other versions are left out. Raises ValueError naming ``where``."""
        if "header" not in metadata or "step" not in metadata:
            raise ValueError(
                f"{where} is a safetensors file, but not a checkpoint of uvit: its header names no variant and step"
            )
        if int(metadata["schema"]) > CHECKPOINT_SCHEMA:
            raise ValueError(
                f"{where} has schema {metadata['schema']}, newer than {CHECKPOINT_SCHEMA}; upgrade uvit-ablations"
            )
        where = f"{where}: header"
        content = loads(metadata["header"], where=where)
        if not isinstance(content, dict) or not metadata["step"].isdecimal():
            raise ValueError(f"{where}: expected a header with a step, got step {short(metadata['step'])}")
        known = {f.name: content[f.name] for f in fields(cls) if f.name in content} | {"step": int(metadata["step"])}
        if missing := [name for name in _REQUIRED if name not in known]:
            raise ValueError(f"{where}: {missing[0]}: missing")
        if isinstance(scores := known.get("scores"), list):
            known["scores"] = [Score.from_dict(each, where=f"{where}: scores[{i}]") for i, each in enumerate(scores)]
        made: Self = construct(cls, known, where)
        return made


_REQUIRED = ("variant", "model", "train_id", "image_size", "channels", "seed")
_CHECKS: Checks = {
    "variant": TEXT,
    "model": MAPPING,
    "train_id": ID,
    "step": COUNT,
    "image_size": COUNT,
    "channels": COUNT,
    "seed": COUNT,
    "dataset": MAPPING,
    "training": MAPPING,
    "runtime": MAPPING,
    "losses": LOSSES,
    "train_s": (lambda v: is_number(v) and v >= 0, "seconds from 0"),
    "scores": (list_of(lambda score: isinstance(score, Score), least=0), "a list of scores"),
    "imported": (lambda v: v is None or isinstance(v, dict), "an object or null"),
}
